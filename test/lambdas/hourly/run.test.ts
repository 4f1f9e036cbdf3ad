import * as z from 'zod';
import { commitDays } from '../../../lambdas/hourly/commit';
import { rainForecastSchema } from '../../../lambdas/hourly/events';
import { closeHour, recomputeRange } from '../../../lambdas/hourly/run';
import { verifyForecasts } from '../../../lambdas/hourly/verification';
import { runQuery } from '../../../lambdas/lake/athena';
import { readForecasts } from '../../../lambdas/lake/forecasts';
import { keys } from '../../../lambdas/lake/layout';
import { getText, putObject } from '../../../lambdas/lake/s3';
import { VIEWS, type View } from '../../../lambdas/lake/sql/views';
import { featureNames } from '../../../lambdas/model/neighbours';
import { promote } from '../../../lambdas/model/registry';
import { addHours } from '../../../lambdas/runtime/time';
import { viewInput } from '../../../lib/data-lake/views';
import type { GlueTable } from '../../../lib/local/assembly/resources';
import type { FaultPlan } from '../../../lib/local/wire/calls';
import { RESOURCES } from '../../lib/local/support';
import { modelFile } from '../model/model-file-fixture';
import {
  appoint,
  type HourlyCloud,
  LOCATIONS,
  observation,
  putHistory,
  putPoll,
  startHourlyCloud,
  wholeDay,
} from './hourly-cloud';

const ids = LOCATIONS.map(({ id }) => id);
const range = (from: string, to: string, now: string) =>
  ({ kind: 'range', from, to, now, acceptLostHours: false }) as const;
/** The schedule's run that closes the hour. */
const closing = (hour: string) =>
  ({ kind: 'hour', hour, now: addHours(hour, 1).replace(':00:00Z', ':05:00Z') }) as const;

let local: HourlyCloud;
let fault: FaultPlan = () => undefined;

/** As the stack puts it into the catalogue. */
function glueView(view: View): GlueTable {
  const input = viewInput(view, 'garoa');
  return {
    name: view.name,
    type: 'VIRTUAL_VIEW',
    columns: view.columns,
    partitionKeys: [],
    parameters: { presto_view: 'true', comment: 'Presto View' },
    viewOriginalText: z.string().parse(input.viewOriginalText),
  };
}

const columnsOf = (name: string) =>
  VIEWS.find((view) => view.name === name)
    ?.columns.map((column) => column.name)
    .sort();

beforeAll(async () => {
  const [database] = RESOURCES.databases;
  const tables = [...(database?.tables ?? []), ...VIEWS.map(glueView)];
  local = await startHourlyCloud(LOCATIONS, {
    resources: { ...RESOURCES, databases: [{ name: 'garoa', tables }] },
    faults: (call) => fault(call),
  });
});
beforeEach(() => local.forget());
afterAll(() => local.close());

/** Polls of one hour: one reading of each location at its start. */
async function poll(hour: string, places: readonly string[] = ids): Promise<void> {
  await putPoll(
    local.raw,
    addHours(hour, 0),
    places.map((id) => observation(id, hour)),
  );
}

describe('closing an hour', () => {
  it('aggregates, forecasts the next hour, announces it, and verifies it once it came', async () => {
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    await recomputeRange(local.access(), range('2013-03-09', '2013-03-09', '2013-03-10T00:01:00Z'));
    await appoint(local.models, '2013-03-09T00:00:00Z');
    await poll('2013-03-10T00:00:00Z');
    await poll('2013-03-10T01:00:00Z');
    await poll('2013-03-10T02:00:00Z');

    const first = await closeHour(local.access(), closing('2013-03-10T01:00:00Z'));
    expect(first).toMatchObject({ rows: 3, missingHours: 0, failures: [], issued: { made: 3, without: [] } });
    expect(first.verified?.verified).toBe(0);

    const details = local.events.map(({ event }) => rainForecastSchema.parse(event.detail));
    expect(details.map(({ locationId }) => locationId)).toEqual(ids);
    expect(details[0]).toMatchObject({
      version: 1,
      stage: 'test',
      name: 'EWR',
      issuedAt: '2013-03-10T02:05:00Z',
      baseHour: '2013-03-10T01:00:00Z',
      targetHour: '2013-03-10T02:00:00Z',
      modelVersion: 'v1',
      persistenceProbability: 0.04,
    });
    const latest: unknown = JSON.parse((await getText(local.models, keys.latest)) ?? '');
    expect(latest).toMatchObject({ targetHour: '2013-03-10T02:00:00Z', withoutForecast: [] });

    const second = await closeHour(local.access(), closing('2013-03-10T02:00:00Z'));
    expect(second.verified?.verified).toBe(3);
    expect(
      second.verified?.rows.map(({ locationId, windowDays, score }) => [locationId, windowDays, score.hours]),
    ).toContainEqual(['jfk', 30, 1]);
  });

  it('without a model aggregates, and says why it does not forecast', async () => {
    await poll('2013-03-10T01:00:00Z');
    const run = await closeHour(local.access(), closing('2013-03-10T01:00:00Z'));
    expect(run).toMatchObject({ rows: 3, failures: [], issued: { made: 0, refused: [] } });
    expect(run.issued?.without).toEqual(ids.map((locationId) => ({ locationId, reason: 'no model yet' })));
    expect(local.events).toEqual([]);
  });

  it('without any observation commits nothing, counts the gap and makes no forecast up', async () => {
    await appoint(local.models, '2013-03-09T00:00:00Z');
    const run = await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    expect(run).toMatchObject({ rows: 0, missingHours: 3, failures: [], issued: { made: 0 } });
    expect(run.days.map(({ status }) => status)).toEqual(['empty']);
    expect(run.issued?.without[0]?.reason).toMatch(/no observation of the hour/);
    expect(Object.keys(await local.content()).filter((key) => key.includes('forecasts/'))).toEqual([]);
  });

  it('forecasts for the other locations when one is missing', async () => {
    await appoint(local.models, '2013-03-09T00:00:00Z');
    await poll('2013-03-10T05:00:00Z', ['ewr', 'lga']);
    const run = await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    expect(run).toMatchObject({ rows: 2, missingHours: 1, failures: [], issued: { made: 2 } });
    expect(run.issued?.without.map(({ locationId }) => locationId)).toEqual(['jfk']);
  });
});

describe('neighbours', () => {
  const HOUR = '2013-03-10T05:00:00Z';

  /** Makes champion of ewr a model that knows nothing but the humidity of the neighbours that it names. */
  async function appointHearing(neighbours: readonly string[]): Promise<void> {
    const model = modelFile('ewr', 'v1');
    const [column] = model.preprocessing.columns;
    if (column === undefined) throw new Error('The fixture has no column.');
    const hearing = {
      ...model,
      neighbours,
      featureNames: featureNames(neighbours.length),
      preprocessing: { ...model.preprocessing, columns: [{ ...column, feature: 'neighbours_humidity_pct' }] },
    };
    await putObject(local.models, keys.model('ewr', 'v1'), JSON.stringify(hearing), 'application/json');
    const at = '2013-03-09T00:00:00Z';
    await promote(local.models, {
      location: 'ewr',
      version: 'v1',
      at,
      outcome: 'promoted',
      reason: '',
      run: null,
    });
  }

  /** What ewr is told when each place reports this humidity. */
  async function forecastWith(humidity: Readonly<Record<string, number>>, locations = LOCATIONS) {
    const { restore } = await local.snapshot();
    const rows = Object.entries(humidity).map(([id, humidity_pct]) =>
      observation(id, HOUR, { humidity_pct }),
    );
    await putPoll(local.raw, HOUR, rows);
    const run = await closeHour({ ...local.access(), locations }, closing(HOUR));
    expect(run.failures).toEqual([]);
    await restore();
    return run.issued?.forecasts.map(({ location_id, probability }) => [location_id, probability]);
  }

  it('are heard when the model names them, watched or forecast; others change nothing', async () => {
    await appointHearing(['jfk']);
    const dry = await forecastWith({ ewr: 50, jfk: 20, lga: 90 });
    expect(dry).toHaveLength(1);
    expect(await forecastWith({ ewr: 50, jfk: 30, lga: 90 })).not.toEqual(dry);
    expect(await forecastWith({ ewr: 50, jfk: 20, lga: 20 })).toEqual(dry);
    expect(await forecastWith({ ewr: 50, jfk: 20 }, LOCATIONS.slice(0, 2))).toEqual(dry);
    const watched = LOCATIONS.map((place) => ({ ...place, forecast: place.id === 'ewr' }));
    const run = await forecastWith({ ewr: 50, jfk: 20, lga: 90 }, watched);
    expect(run).toEqual(dry);
  });

  it('that are only watched are aggregated, and have neither forecast nor reason for none', async () => {
    await appoint(local.models, '2013-03-09T00:00:00Z');
    await poll(HOUR);
    const locations = LOCATIONS.map((place) => ({ ...place, forecast: place.id !== 'jfk' }));
    const run = await closeHour({ ...local.access(), locations }, closing(HOUR));
    expect(run).toMatchObject({ rows: 3, missingHours: 0, failures: [], issued: { made: 2, without: [] } });
    expect(run.issued?.forecasts.map(({ location_id }) => location_id)).toEqual(['ewr', 'lga']);
    expect(await getText(local.models, keys.pagesIndex)).not.toContain('JFK');
  });
});

describe('a commit that fails', () => {
  it('stops no forecast: it is made from what the lake has, and the failure is told', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    await poll('2013-03-10T05:00:00Z');
    const now = '2013-03-10T06:00:00Z';
    await commitDays(local.access(), {
      dates: ['2013-03-10'],
      closedBefore: now,
      now,
      acceptLostHours: false,
    });
    const access = local.access();
    access.processed.client.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'CopyObjectCommand') throw new Error('S3 has a bad hour');
        return next(args);
      },
      { step: 'initialize' },
    );
    const run = await closeHour(access, closing('2013-03-10T05:00:00Z'));
    expect(run.issued?.made).toBe(3);
    expect(run.failures.map(({ message }) => message)).toEqual(['The commit failed: S3 has a bad hour']);
  });
});

describe('a range', () => {
  it('loses the one day that is refused, which is named, and no other', async () => {
    const days = ['2013-03-07', '2013-03-08', '2013-03-09'] as const;
    for (const date of days) await putHistory(local.raw, date, wholeDay(date));
    const other = { ...local.access(), rainThresholdMm: 0.254 };
    await recomputeRange(other, range('2013-03-08', '2013-03-08', '2013-03-10T00:01:00Z'));
    await putHistory(local.raw, '2013-03-08', wholeDay('2013-03-08', ['ewr']));
    const run = await recomputeRange(
      local.access(),
      range('2013-03-07', '2013-03-09', '2013-03-10T00:01:00Z'),
    );
    expect(run.days.map(({ date, status }) => [date, status])).toEqual([
      ['2013-03-07', 'committed'],
      ['2013-03-09', 'committed'],
    ]);
    expect(run.failures).toHaveLength(1);
    expect(run.failures[0]?.message).toMatch(
      /^The commit of 2013-03-07 to 2013-03-09 failed: 2013-03-08: the lake has 48 rows/,
    );
    expect((await local.content())[keys.hourlyDay('2013-03-09')]).toHaveLength(72);
  });
});

describe('a derived object that nobody can read', () => {
  const damage = (key: string) => putObject(local.processed, key, 'not parquet', 'text/plain');

  it('stops nobody, is named and made anew', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    await putHistory(local.raw, '2013-03-09', wholeDay('2013-03-09'));
    await recomputeRange(local.access(), range('2013-03-09', '2013-03-09', '2013-03-10T00:01:00Z'));
    await poll('2013-03-10T05:00:00Z');
    await poll('2013-03-10T06:00:00Z');
    await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    const whole = await closeHour(local.access(), closing('2013-03-10T06:00:00Z'));
    const expected = await local.content();
    const damaged = [
      keys.hourlyDay('2013-03-09'),
      keys.hourlyDay('2013-03-10'),
      keys.verificationDay('2013-03-10'),
      keys.forecastHour('2013-03-10', '07'),
    ];
    for (const key of damaged) await damage(key);
    await putObject(local.models, keys.latest, '{"version":', 'application/json');
    const warnings = local.warnings.length;
    const run = await closeHour(local.access(), closing('2013-03-10T06:00:00Z'));
    expect(run.failures).toEqual([]);
    expect(run.verified?.rows).toEqual(whole.verified?.rows);
    expect(await local.content()).toEqual(expected);
    for (const key of damaged) {
      expect(local.warnings.slice(warnings)).toContain(`${key} can't be read and is made anew.`);
    }
  });

  it('of an hour that is over is made anew where its base hour is known; without one it is set aside for good', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    for (const hour of ['2013-03-10T05:00:00Z', '2013-03-10T06:00:00Z', '2013-03-10T07:00:00Z']) {
      await poll(hour);
      await closeHour(local.access(), closing(hour));
    }
    const [known, unknown] = ['06', '03'].map((hour) => keys.forecastHour('2013-03-10', hour));
    const probabilities = async () =>
      (await readForecasts(local.processed, known ?? ''))?.map(({ probability }) => probability);
    const issued = await probabilities();
    for (const key of [known, unknown]) await damage(key ?? '');
    const warnings = local.warnings.length;
    const run = await closeHour(local.access(), closing('2013-03-10T07:00:00Z'));
    expect(run.failures).toEqual([]);
    expect(await probabilities()).toEqual(issued);
    expect(run.verified?.rows.find(({ windowDays }) => windowDays === 1)?.score.hours).toBe(2);
    const told = local.warnings.slice(warnings);
    expect(told).toContain(`${unknown} can't be read, and its forecasts count for nothing.`);
    expect(told).toContain(
      `${unknown} could not be made anew and lies in ${keys.quarantined(unknown ?? '')} now.`,
    );
    expect(await getText(local.processed, keys.quarantined(unknown ?? ''))).toBe('not parquet');
    expect(await readForecasts(local.processed, unknown ?? '')).toEqual([]);
    await closeHour(local.access(), closing('2013-03-10T07:00:00Z'));
    expect(local.warnings.slice(warnings + told.length)).toEqual([]);
  });
});

describe('two verifications of one day', () => {
  it('end with the newer truth, whoever writes last', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    for (const hour of ['2013-03-10T05:00:00Z', '2013-03-10T06:00:00Z']) {
      await poll(hour);
      await closeHour(local.access(), closing(hour));
    }
    const slow = local.access();
    let overtaken = false;
    // Between this run's reading of truth and its writing, another one takes late truth in and verifies.
    slow.processed.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'PutObjectCommand' && !overtaken) {
          overtaken = true;
          await putHistory(
            local.raw,
            '2013-03-10',
            ids.map((id) =>
              observation(id, '2013-03-10T06:00:00Z', { precip_mm: 9, ingested_at: '2013-03-13T00:00:00Z' }),
            ),
          );
          await recomputeRange(local.access(), range('2013-03-10', '2013-03-10', '2013-03-13T00:10:00Z'));
        }
        return next(args);
      },
      { step: 'initialize' },
    );
    await verifyForecasts(slow, ['2013-03-10']);
    expect(overtaken).toBe(true);
    expect((await local.content())[keys.verificationDay('2013-03-10')]).toContainEqual(
      expect.objectContaining({ location_id: 'ewr', window_days: 1, rain_hours: 1 }),
    );
  });
});

describe('days of another form or threshold', () => {
  it('are mixed with nothing: the forecast waits for the event that it names', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    for (const date of ['2013-03-08', '2013-03-09']) await putHistory(local.raw, date, wholeDay(date));
    const before = { ...local.access(), rainThresholdMm: 0.254 };
    await recomputeRange(before, range('2013-03-08', '2013-03-09', '2013-03-10T00:01:00Z'));
    await poll('2013-03-10T05:00:00Z');
    const waiting = await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    expect(waiting.issued?.made).toBe(0);
    expect(waiting.issued?.silent).toEqual(ids);
    expect(waiting.issued?.without[0]?.reason).toBe(
      'hourly_observations of 2013-03-09: its rows call 0.254 mm rain, and 0.1 mm is configured; ' +
        'the event {"from":"2013-03-08","to":"2013-03-10"} recomputes all days',
    );
    await recomputeRange(local.access(), range('2013-03-08', '2013-03-10', '2013-03-10T06:10:00Z'));
    const { issued } = await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    expect(issued?.made).toBe(3);
  });

  it('judge no forecast', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    await poll('2013-03-10T05:00:00Z');
    await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    await poll('2013-03-10T06:00:00Z');
    const other = { ...local.access(), rainThresholdMm: 0.254 };
    const now = '2013-03-10T07:00:00Z';
    await commitDays(other, { dates: ['2013-03-10'], closedBefore: now, now, acceptLostHours: false });
    expect((await verifyForecasts(local.access(), ['2013-03-10'])).verified).toBe(0);
  });
});

describe('models', () => {
  beforeEach(() => poll('2013-03-10T05:00:00Z'));

  it('that are damaged give way to the champion before, and are counted', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z', 'old');
    await appoint(local.models, '2013-03-08T00:00:00Z', 'new');
    await putObject(local.models, keys.model('jfk', 'new'), '{"schemaVersion":1', 'application/json');
    const { issued } = await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    expect(issued?.forecasts.map(({ location_id, model_version }) => [location_id, model_version])).toEqual([
      ['ewr', 'new'],
      ['jfk', 'old'],
      ['lga', 'new'],
    ]);
    expect(issued?.refused).toMatchObject([{ locationId: 'jfk', version: 'new' }]);
  });

  it.each(['champion.json', 'model.json'])(
    'of one place whose %s S3 will not give up cost no other place its forecast, and are named',
    async (name) => {
      await appoint(local.models, '2013-03-01T00:00:00Z', 'old');
      fault = ({ operation, subject }) =>
        operation === 'GetObject' && subject.includes('jfk/') && subject.endsWith(name)
          ? { kind: 'serverError' }
          : undefined;
      const { issued } = await closeHour(local.access(), closing('2013-03-10T05:00:00Z')).finally(() => {
        fault = () => undefined;
      });
      expect(issued?.forecasts.map(({ location_id }) => location_id)).toEqual(['ewr', 'lga']);
      expect(issued?.without).toEqual([{ locationId: 'jfk', reason: 'no model that can be used' }]);
      expect(issued?.refused).toMatchObject([
        { locationId: 'jfk', version: 'jfk/champion.json', reason: expect.stringContaining('InternalError') },
      ]);
    },
  );

  it('are read again only when the champion changed', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z', 'old');
    const warm = local.access();
    const reads = () => local.cloud.endpoints.callCounts()['s3:GetObject'] ?? 0;
    const readsOf = async (hour: string) => {
      const before = reads();
      await warm.champions.appointed(warm.models, 'ewr', hour);
      return reads() - before;
    };
    expect(await readsOf('2013-03-10T06:05:00Z')).toBeGreaterThan(1);
    expect(await readsOf('2013-03-10T07:05:00Z')).toBe(1);
    await appoint(local.models, '2013-03-10T07:30:00Z', 'new');
    const found = await warm.champions.appointed(warm.models, 'ewr', '2013-03-10T08:05:00Z');
    expect(found.model?.version).toBe('new');
  });

  it('of the time that a late run speaks of are used, not those that came after', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z', 'old');
    await appoint(local.models, '2013-03-10T12:00:00Z', 'new');
    const late = { kind: 'hour', hour: '2013-03-10T05:00:00Z', now: '2013-03-10T20:00:00Z' } as const;
    const { issued } = await closeHour(local.access(), late);
    expect(issued?.forecasts.map(({ model_version }) => model_version)).toEqual(['old', 'old', 'old']);
    // Its hour is long over: nobody is told of a forecast for it.
    expect(local.events).toEqual([]);
    expect(await getText(local.models, keys.latest)).toBeUndefined();
  });
});

describe('a run again', () => {
  it('changes no forecast that was issued, and adds the locations that had none', async () => {
    await poll('2013-03-10T05:00:00Z');
    await appoint(local.models, '2013-03-01T00:00:00Z', 'old', ['ewr', 'lga']);
    await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    await appoint(local.models, '2013-03-10T06:01:00Z', 'new');
    const { issued } = await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    expect(issued?.made).toBe(1);
    expect(issued?.forecasts.map(({ location_id, model_version }) => [location_id, model_version])).toEqual([
      ['ewr', 'old'],
      ['jfk', 'new'],
      ['lga', 'old'],
    ]);
  });

  it('of an older hour leaves latest.json alone', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    await poll('2013-03-10T05:00:00Z');
    await poll('2013-03-10T06:00:00Z');
    await closeHour(local.access(), closing('2013-03-10T06:00:00Z'));
    const latest = await getText(local.models, keys.latest);
    await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    expect(await getText(local.models, keys.latest)).toBe(latest);
  });
});

describe('late truth', () => {
  it('is taken in when its day is recomputed, in the windows of later days too', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    for (const hour of ['2013-03-08T05:00:00Z', '2013-03-10T05:00:00Z', '2013-03-10T06:00:00Z'])
      await poll(hour);
    await closeHour(local.access(), closing('2013-03-08T05:00:00Z'));
    await closeHour(local.access(), closing('2013-03-10T05:00:00Z'));
    const before = await closeHour(local.access(), closing('2013-03-10T06:00:00Z'));
    expect(before.verified?.rows.filter(({ windowDays }) => windowDays === 7)[0]?.score.hours).toBe(1);

    await poll('2013-03-08T06:00:00Z');
    const healed = await recomputeRange(
      local.access(),
      range('2013-03-08', '2013-03-08', '2013-03-10T07:10:00Z'),
    );
    expect(healed.verified?.verified).toBe(3);
    const content = await local.content();
    expect(content[keys.verificationDay('2013-03-10')]).toContainEqual(
      expect.objectContaining({ location_id: 'ewr', window_days: 7, hours: 2 }),
    );
    expect(content[keys.verificationDay('2013-03-08')]).toContainEqual(
      expect.objectContaining({ location_id: 'ewr', window_days: 1, hours: 1 }),
    );
  });
});

describe('a death', () => {
  it('after any change that follows the commit is made good by the next run', async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    await poll('2013-03-10T00:00:00Z');
    await poll('2013-03-10T01:00:00Z');
    await closeHour(local.access(), closing('2013-03-10T00:00:00Z'));
    const start = await local.snapshot();
    const whole = local.access();
    await closeHour(whole, closing('2013-03-10T01:00:00Z'));
    const expected = await local.content();
    const changes = whole.changes();
    const afterCommit = changes.indexOf('PutObjectCommand');
    // Forecasts, latest.json, events, verification, the index; what leads to it holds nothing of its own.
    expect(changes.slice(afterCommit, -1)).toEqual([
      'PutObjectCommand',
      'PutObjectCommand',
      'PutEventsCommand',
      'PutObjectCommand',
      'PutObjectCommand',
    ]);

    for (let change = afterCommit + 1; change < changes.length; change += 1) {
      await start.restore();
      const dying = local.access({ change, when: 'after' });
      // Parts that failed are told; that it died is what counts here.
      await closeHour(dying, closing('2013-03-10T01:00:00Z')).catch(() => undefined);
      expect(dying.died()).toBe(true);
      await closeHour(local.access(), closing('2013-03-10T01:00:00Z'));
      expect(await local.content()).toEqual(expected);
      expect(new Set(local.events.map(({ event }) => JSON.stringify(event.detail))).size).toBe(3);
    }
  });
});

describe('what people can ask', () => {
  beforeEach(async () => {
    await appoint(local.models, '2013-03-01T00:00:00Z');
    const access = local.access();
    for (const hour of [3, 4, 5, 6]) {
      const start = `2013-03-10T0${hour}:00:00Z`;
      await putPoll(
        local.raw,
        start,
        LOCATIONS.map(({ id }) => observation(id, start, { precip_mm: hour === 5 ? 2 : 0 })),
      );
      await closeHour(access, { kind: 'hour', hour: start, now: addHours(start, 1) });
    }
  });

  it('is each forecast beside what came, the newest forecasts, and the windows of a day', async () => {
    const verified = await runQuery(local.access().athena, {
      sql: "SELECT * FROM verified_forecasts WHERE dt = '2013-03-10' AND location_id = 'jfk' ORDER BY target_hour",
      row: z.looseObject({
        target_hour: z.string(),
        probability: z.number(),
        will_rain: z.boolean(),
        rained: z.boolean(),
        outcome: z.string(),
        squared_error: z.number(),
        persistence_squared_error: z.number(),
        precip_mm: z.number(),
      }),
    });
    expect(Object.keys(verified[0] ?? {}).sort()).toEqual(columnsOf('verified_forecasts'));
    expect(
      verified.map(({ target_hour, rained, precip_mm }) => [target_hour.slice(11, 13), rained, precip_mm]),
    ).toEqual([
      ['04', false, 0],
      ['05', true, 2],
      ['06', false, 0],
    ]);
    for (const row of verified) {
      const truth = row.rained ? 1 : 0;
      expect(row.squared_error).toBeCloseTo((row.probability - truth) ** 2, 15);
      expect(row.outcome).toBe(
        row.rained ? (row.will_rain ? 'hit' : 'miss') : row.will_rain ? 'false alarm' : 'correct negative',
      );
    }
    // After the wet hour persistence says 0.6 and is wrong.
    expect(verified[2]?.persistence_squared_error).toBeCloseTo(0.36, 15);

    const latest = await runQuery(local.access().athena, {
      sql: 'SELECT * FROM latest_forecasts ORDER BY location_id',
      row: z.looseObject({ location_id: z.string(), target_hour: z.string(), dt: z.string() }),
    });
    expect(Object.keys(latest[0] ?? {}).sort()).toEqual(columnsOf('latest_forecasts'));
    expect(latest.map(({ location_id, target_hour }) => [location_id, target_hour])).toEqual(
      LOCATIONS.map(({ id }) => [id, '2013-03-10T07:00:00Z']),
    );

    const windows = await runQuery(local.access().athena, {
      sql: "SELECT window_days, hours, rain_hours, hits + misses + false_alarms + correct_negatives AS outcomes FROM forecast_verification WHERE dt = '2013-03-10' AND location_id = 'lga' ORDER BY window_days",
      row: z.object({ window_days: z.int(), hours: z.int(), rain_hours: z.int(), outcomes: z.int() }),
    });
    expect(windows).toEqual(
      [1, 7, 30].map((window_days) => ({ window_days, hours: 3, rain_hours: 1, outcomes: 3 })),
    );
  });
});
