import { issueForecasts } from '../../../lambdas/hourly/forecast';
import { recomputeRange } from '../../../lambdas/hourly/run';
import { appoint, type HourlyCloud, observation, putPoll, startHourlyCloud } from './hourly-cloud';

/** Names as long as they may be, ten places to a region. */
const PLACES = Array.from({ length: 2_000 }, (_, i) => ({
  id: `place-${i}`.padEnd(64, '-x'),
  name: `Place ${i}`,
  latitude: -60 + (Math.floor(i / 10) % 20) * 6,
  longitude: -170 + Math.floor(i / 200) * 30 + (i % 10) / 1_000,
  timezone: 'UTC',
  pollEveryMinutes: 1 as const,
  forecast: true,
}));
const HOUR = '2013-03-10T05:00:00Z';

let local: HourlyCloud;
beforeAll(async () => {
  local = await startHourlyCloud(PLACES);
});
afterAll(() => local.close());

it('thousands of places with long names get their forecasts, from queries that Athena takes', async () => {
  const forecast = [0, 999, 1_000, 1_999].map((i) => PLACES[i]?.id ?? '');
  await appoint(local.models, '2013-03-09T00:00:00Z', 'v1', forecast);
  await putPoll(
    local.raw,
    HOUR,
    PLACES.map(({ id }) => observation(id, HOUR)),
  );
  const access = local.access();
  const day = { kind: 'range', from: '2013-03-10', to: '2013-03-10', acceptLostHours: false } as const;
  expect(await recomputeRange(access, { ...day, now: '2013-03-10T06:05:00Z' })).toMatchObject({
    rows: PLACES.length,
  });
  const issued = await issueForecasts(access, HOUR, '2013-03-10T06:05:00Z');

  expect(issued).toMatchObject({ made: 4, refused: [], silent: [] });
  expect(issued.forecasts.map(({ location_id }) => location_id)).toEqual([...forecast].sort());
  expect(issued.without).toHaveLength(PLACES.length - 4);
});
