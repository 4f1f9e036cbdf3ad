import jsonata from 'jsonata';
import * as z from 'zod';
import { parseEvent } from '../../../../lambdas/hourly/event';
import { parseIngestEvent } from '../../../../lambdas/ingest/events';
import { settingsSchema } from '../../../../lambdas/settings';
import { parseConfig, settingsOf } from '../../../../lib/config';
import { backfillDefinition } from '../../../../lib/pipeline/backfill/definition';
import { type MachineRun, problemsOf, stateMachines } from '../../state-machine-run';

const INGEST = 'arn:aws:lambda:us-east-1:123456789012:function:garoa-test-ingest';
const HOURLY = 'arn:aws:lambda:us-east-1:123456789012:function:garoa-test-hourly';
const FIRST_DAY = '2010-01-01';
const definition = backfillDefinition({
  ingestFunctionArn: INGEST,
  hourlyFunctionArn: HOURLY,
  daysAtOnce: 4,
  locationCount: 2,
  firstDay: FIRST_DAY,
  settledAfterHours: 49,
  partition: 'aws',
});

const place = { id: 'ewr', name: 'Newark', query: 'EWR', timezone: 'America/New_York' };
const settings = settingsSchema.parse(
  settingsOf(parseConfig({ locations: [place, { ...place, id: 'jfk' }] })),
);

class DayNotAvailable extends Error {
  override readonly name = 'DayNotAvailable';
}
class LocationsFailed extends Error {
  override readonly name = 'LocationsFailed';
}

/** What the function answers of a day that has every hour. */
const WHOLE = { unfinished: 0 };

interface Backfilled extends MachineRun {
  /** Days asked for, with the locations, oldest first. */
  readonly days: readonly string[];
  readonly locations: readonly string[];
  /** Invocations that were to fetch what is stored as well. */
  readonly forced: number;
  /** Ranges recomputed, in order. */
  readonly ranges: readonly string[];
  readonly attempts: ReadonlyMap<string, number>;
}

/** Runs the machine at noon of 2013-12-01 against the parsers of the real functions. */
async function backfill(
  input: unknown,
  {
    ofDay = () => WHOLE,
    ofRange = () => ({}),
  }: { ofDay?: (date: string, attempt: number) => unknown; ofRange?: () => unknown } = {},
): Promise<Backfilled> {
  const attempts = new Map<string, number>();
  const locations = new Set<string>();
  const ranges: string[] = [];
  let forced = 0;
  const machines = stateMachines({ backfill: definition }, '2013-12-01T12:00:00.000Z', (arn, payload) => {
    const invokedAt = new Date('2013-12-01T12:00:05Z');
    if (arn === HOURLY) {
      const task = parseEvent(payload, invokedAt, FIRST_DAY);
      if (task.kind !== 'range') throw new Error(`Not a range: ${JSON.stringify(payload)}`);
      ranges.push(`${task.from}/${task.to}`);
      return ofRange();
    }
    const job = parseIngestEvent(payload, settings, invokedAt);
    if (arn !== INGEST || job.kind !== 'backfill') {
      throw new Error(`Not a backfill of one day: ${JSON.stringify(payload)}`);
    }
    const attempt = (attempts.get(job.date) ?? 0) + 1;
    attempts.set(job.date, attempt);
    for (const { id } of job.locations) {
      locations.add(id);
    }
    if (job.force) forced += 1;
    return ofDay(job.date, attempt);
  });
  const run = await machines.run('backfill', input);
  return {
    ...run,
    attempts,
    days: [...attempts.keys()].toSorted(),
    locations: [...locations].toSorted(),
    get forced() {
      return forced;
    },
    ranges,
  };
}

describe('the backfill machine', () => {
  it('is valid Amazon States Language', () => {
    expect(problemsOf(definition)).toBe('');
  });

  it('fetches each day of the range, then recomputes it', async () => {
    const { execution, days, locations, ranges, forced } = await backfill({
      from: '2012-02-28',
      to: '2012-03-01',
    });
    expect(execution).toMatchObject({ status: 'SUCCEEDED' });
    expect(days).toEqual(['2012-02-28', '2012-02-29', '2012-03-01']);
    expect(locations).toEqual(['ewr', 'jfk']);
    expect(forced).toBe(0);
    expect(ranges).toEqual(['2012-02-28/2012-03-01']);
  });

  it('passes the choice of locations and the order to fetch again on to each day', async () => {
    const { locations, forced } = await backfill({
      from: '2013-11-01',
      to: '2013-11-01',
      locations: ['jfk'],
      force: true,
    });
    expect(locations).toEqual(['jfk']);
    expect(forced).toBe(1);
  });

  it('takes the event that tells of gaps, and leaves today for tomorrow', async () => {
    const { execution, days, locations } = await backfill({
      version: 1,
      stage: 'test',
      from: '2013-11-29',
      to: '2013-12-01',
      missingHours: 7,
      locationIds: ['ewr'],
    });
    expect(execution.status).toBe('SUCCEEDED');
    expect(days).toEqual(['2013-11-29', '2013-11-30']);
    expect(locations).toEqual(['ewr']);
  });

  it('has nothing to do while the only day is not over', async () => {
    const { execution, days } = await backfill({ from: '2013-12-01', to: '2013-12-01' });
    expect(execution.status).toBe('SUCCEEDED');
    expect(days).toEqual([]);
  });

  it('recomputes a year in statements of at most a hundred days', async () => {
    const { days, ranges } = await backfill({ from: '2012-12-01', to: '2013-11-30' });
    expect(days).toHaveLength(365);
    expect(ranges).toEqual([
      '2012-12-01/2013-03-10',
      '2013-03-11/2013-06-18',
      '2013-06-19/2013-09-26',
      '2013-09-27/2013-11-30',
    ]);
  });

  it('goes on past days that the provider can not serve, recomputes the rest, and names them at the end', async () => {
    const { execution, days, ranges, attempts } = await backfill(
      { from: '2013-11-01', to: '2013-11-04' },
      {
        ofDay: (date) => {
          if (date === '2013-11-02' || date === '2013-11-03') {
            throw new DayNotAvailable('the plan reaches back a week');
          }
          return WHOLE;
        },
      },
    );
    expect(days).toHaveLength(4);
    expect(ranges).toEqual(['2013-11-01/2013-11-04']);
    expect(execution).toMatchObject({
      status: 'FAILED',
      error: 'DaysMissing',
      cause:
        '2 of 4 days could not be fetched: 2013-11-02, 2013-11-03. First reason: DayNotAvailable: the plan reaches back a week',
    });
    // Asking for it again would change nothing.
    expect(attempts.get('2013-11-02')).toBe(1);
  });

  it('asks again for what failed in passing', async () => {
    const { execution, attempts } = await backfill(
      { from: '2013-11-01', to: '2013-11-01' },
      {
        ofDay: (_date, attempt) => {
          if (attempt === 1) {
            throw new LocationsFailed('1 of 2 locations failed');
          }
          return WHOLE;
        },
      },
    );
    expect(execution.status).toBe('SUCCEEDED');
    expect(attempts.get('2013-11-01')).toBe(2);
  });

  it('asks once more for what a settled day lacks, and tells what it lacks even then', async () => {
    const lacking: Record<string, readonly number[]> = { '2013-11-02': [2, 0], '2013-11-03': [2, 1] };
    const { execution, attempts, ranges, forced } = await backfill(
      { from: '2013-11-01', to: '2013-11-03', force: true },
      { ofDay: (date, attempt) => ({ unfinished: lacking[date]?.[attempt - 1] ?? 0 }) },
    );
    expect(execution).toMatchObject({
      status: 'SUCCEEDED',
      output: { days: 3, unfinished: [{ date: '2013-11-03', places: 1 }] },
    });
    expect([...attempts.values()].toSorted()).toEqual([1, 2, 2]);
    expect(ranges).toEqual(['2013-11-01/2013-11-03']);
    // What is there by now is not fetched a second time.
    expect(forced).toBe(3);
  });

  it('leaves to upkeep what the provider has not settled yet, and tells of it', async () => {
    const { execution, attempts } = await backfill(
      { from: '2013-11-30', to: '2013-11-30' },
      { ofDay: () => ({ unfinished: 2 }) },
    );
    expect(execution).toMatchObject({
      status: 'SUCCEEDED',
      output: { days: 1, unfinished: [{ date: '2013-11-30', places: 2 }] },
    });
    expect([...attempts.values()]).toEqual([1]);
  });

  it('names a day whose second asking failed', async () => {
    const { execution } = await backfill(
      { from: '2013-11-01', to: '2013-11-02' },
      {
        ofDay: (date, attempt) => {
          if (date === '2013-11-01') return WHOLE;
          if (attempt === 1) return { unfinished: 1 };
          throw new DayNotAvailable('no such day');
        },
      },
    );
    expect(execution).toMatchObject({ error: 'DaysMissing' });
    expect(execution.cause).toContain('1 of 2 days could not be fetched: 2013-11-02.');
  });

  it('recomputes nothing when no day could be fetched', async () => {
    const { execution, ranges } = await backfill(
      { from: '2013-11-01', to: '2013-11-02', locations: ['lga'] },
      {},
    );
    expect(ranges).toEqual([]);
    expect(execution.error).toBe('DaysMissing');
    expect(execution.cause).toContain('unknown location "lga"');
  });

  it.each([1, 365, 4_000])(
    'shortens reasons so that those of %d failed days fit into one state',
    async (days) => {
      const expression = definition.States['Fetch each day'].ItemSelector.reasonLength.slice(2, -2);
      const length = z
        .int()
        .min(5)
        .parse(await jsonata(expression).evaluate({}, { states: { input: { days: Array(days).fill('') } } }));
      const result = { date: '2013-11-01', reason: 'x'.repeat(length) };
      expect(JSON.stringify(Array(days).fill(result)).length).toBeLessThan(256 * 1024);
    },
  );

  it('can be redriven from a recomputation that failed, without fetching a day again', async () => {
    let failing = true;
    const run = await backfill(
      { from: '2013-11-01', to: '2013-11-02' },
      {
        ofRange: () => {
          if (failing) {
            throw new Error('Athena is unwell');
          }
          return WHOLE;
        },
      },
    );
    expect(run.execution.status).toBe('FAILED');
    failing = false;
    expect(await run.redrive()).toMatchObject({ status: 'SUCCEEDED' });
    expect([...run.attempts.values()]).toEqual([1, 1]);
  });

  it.each([
    [{}],
    [{ from: '2013-11-01' }],
    [{ from: '2013-11-31', to: '2013-12-01' }],
    [{ from: '2013-02-29', to: '2013-03-01' }],
    [{ from: 20131101, to: 20131102 }],
    [{ from: '2013-11-02', to: '2013-11-01' }],
    [{ from: '2013-11-01', to: '2013-12-02' }],
    [{ from: '1999-01-01', to: '2013-11-01' }],
    [{ from: '2009-12-31', to: '2010-01-02' }],
    [{ from: '2013-11-01', to: '2013-11-02', loactions: ['ewr'] }],
  ])('refuses %j without calling anything', async (input) => {
    const { execution, days, ranges } = await backfill(input);
    expect(execution).toMatchObject({ status: 'FAILED', error: 'RequestRefused' });
    expect([...days, ...ranges]).toEqual([]);
  });
});
