import { closeHour } from '../../../lambdas/hourly/run';
import {
  encodeVerification,
  NOTHING_VERIFIED,
  type Score,
  verifyForecasts,
  windowRows,
} from '../../../lambdas/hourly/verification';
import { FORECASTS, keys } from '../../../lambdas/lake/layout';
import { encodeParquet } from '../../../lambdas/lake/parquet';
import { addDays, addHours } from '../../../lambdas/runtime/time';
import type { AwsCall } from '../../../lib/local/wire/calls';
import { ndjson } from '../../lib/local/support';
import { appoint, type HourlyCloud, LOCATIONS, observation, startHourlyCloud } from './hourly-cloud';

const DAY = '2013-03-10';
const SCORE: Score = {
  ...NOTHING_VERIFIED,
  hours: 24,
  rainHours: 3,
  squaredError: 2,
  comparedHours: 24,
  comparedSquaredError: 2,
  persistenceSquaredError: 3,
  hits: 2,
  misses: 1,
  falseAlarms: 1,
  correctNegatives: 20,
};

/** A month of verified forecasts, all hours of the day but the last two polled, closed and forecast. */
async function liveUntilEvening(local: HourlyCloud, ids: readonly string[]): Promise<void> {
  const store = local.cloud.endpoints.objects;
  await appoint(local.models, '2013-01-01T00:00:00Z', 'v1', ids);
  const days = new Map(
    Array.from({ length: 31 }, (_, back) => [addDays(DAY, back - 31), new Map(ids.map((id) => [id, SCORE]))]),
  );
  for (const date of days.keys()) {
    store.put(
      'processed',
      keys.verificationDay(date),
      Buffer.from(encodeVerification(windowRows(date, days))),
    );
  }
  for (let hour = 0; hour < 23; hour += 1) {
    const target = addHours(`${DAY}T00:00:00Z`, hour);
    const poll = `${keys.rawHour(DAY, target.slice(11, 13))}polled.ndjson.gz`;
    store.put('raw', poll, ndjson(ids.map((id) => observation(id, target))));
    const rows = ids.map((id) => ({
      location_id: id,
      issued_at: target,
      base_hour: addHours(target, -1),
      target_hour: target,
      probability: 0.2,
      will_rain: false,
      threshold: 0.4,
      model_version: 'v1',
      persistence_probability: 0.1,
      plain_probability: null,
      joined_probability: null,
      voice: null,
      provider_probability: null,
      provider_precip_mm: null,
      provider_recalibrated: null,
    }));
    const key = keys.forecastHour(DAY, target.slice(11, 13));
    store.put('processed', key, Buffer.from(encodeParquet(FORECASTS.columns, rows)));
  }
}

/** By a function that has just started. */
function close(local: HourlyCloud, hour: number) {
  const base = addHours(`${DAY}T00:00:00Z`, hour);
  const now = addHours(base, 1).replace(':00:00Z', ':05:00Z');
  return closeHour(local.access(), { kind: 'hour', hour: base, now });
}

/** Requests of the day's last runs; the second one is counted. */
async function countRequests(places: number): Promise<number> {
  const ids = LOCATIONS.slice(0, places).map(({ id }) => id);
  const calls: AwsCall[] = [];
  const local = await startHourlyCloud(LOCATIONS.slice(0, places), { onCall: (call) => calls.push(call) });
  try {
    await liveUntilEvening(local, ids);
    for (const hour of [21, 22]) {
      calls.length = 0;
      const { failures, verified, issued } = await close(local, hour);
      expect(failures).toEqual([]);
      expect(verified?.rows.find(({ windowDays }) => windowDays === 30)?.score.hours).toBe(
        29 * 24 + hour + 1,
      );
      expect(issued?.forecasts).toHaveLength(places);
    }
  } finally {
    await local.close();
  }
  // How often a query's state is asked for depends on how long it takes.
  return calls.filter(({ operation }) => operation !== 'GetQueryExecution').length;
}

it('the fullest hourly run of a day makes under 60 requests, and two for each place', async () => {
  const [one, three] = [await countRequests(1), await countRequests(3)];
  expect(three - one).toBeLessThanOrEqual(2 * 2);
  expect(one - 2).toBeLessThan(60);
});

it('what the windows hold of the days before is made anew when one of these changes', async () => {
  const local = await startHourlyCloud(LOCATIONS.slice(0, 1));
  try {
    await liveUntilEvening(local, ['ewr']);
    await close(local, 21);
    const wetter = new Map([['ewr', { ...SCORE, rainHours: 9 }]]);
    const changed = addDays(DAY, -3);
    const rows = windowRows(changed, new Map([[changed, wetter]]));
    const store = local.cloud.endpoints.objects;
    store.put('processed', keys.verificationDay(changed), Buffer.from(encodeVerification(rows)));

    const { verified } = await close(local, 22);
    expect(verified?.rows.map(({ score }) => score.rainHours)).toEqual([4, 4 + 5 * 3 + 9, 4 + 28 * 3 + 9]);
    expect(await verifyForecasts(local.access(), [DAY])).toMatchObject({ verified: 0, rows: verified?.rows });
  } finally {
    await local.close();
  }
});
