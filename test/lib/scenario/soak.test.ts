import * as z from 'zod';
import type { AwsCall, Fault } from '../../../lib/local/wire/calls';
import { soakFaults } from '../../../lib/scenario/faults';
import { endedEarly } from '../../../lib/scenario/soak';
import { parseSoakArguments } from '../../../lib/scenario/soak-arguments';

const call = (service: string, operation: string, index = 0): AwsCall => ({
  service,
  operation,
  caller: 'garoa-prod-hourly',
  subject: `subject ${index}`,
  attempt: 1,
  attempts: 3,
});

const executionReply = z.object({
  QueryExecution: z.object({
    Status: z.object({
      State: z.string(),
      StateChangeReason: z.string().optional(),
      AthenaError: z.object({ Retryable: z.boolean() }).optional(),
    }),
  }),
});

function faultsOf(service: string, operation: string): Fault[] {
  const plan = soakFaults(0.5, 'seed', () => undefined);
  return Array.from({ length: 4000 }, (_, index) => plan(call(service, operation, index))).flatMap(
    (fault) => fault ?? [],
  );
}
const kindsOf = (service: string, operation: string): Set<string> =>
  new Set(faultsOf(service, operation).map(({ kind }) => kind));

describe('soakFaults', () => {
  it('lets every service fail in its ways, and functions die', () => {
    const common = ['throttle', 'serverError', 'latency', 'lostReply', 'reset', 'crash'];
    expect(kindsOf('s3', 'PutObject')).toEqual(new Set([...common, 'slowBody']));
    expect(kindsOf('events', 'PutEvents')).toEqual(new Set([...common, 'otherReply']));
    expect(kindsOf('secretsmanager', 'GetSecretValue')).toEqual(new Set(common));
    expect(kindsOf('athena', 'GetQueryExecution')).toEqual(new Set([...common, 'otherReply']));
  });

  it('makes the same faults of the same seed, and others of another', () => {
    const kinds = (seed: string) => {
      const plan = soakFaults(0.5, seed, () => undefined);
      return Array.from({ length: 200 }, (_, index) => plan(call('s3', 'GetObject', index))?.kind);
    };
    expect(kinds('a')).toEqual(kinds('a'));
    expect(kinds('a')).not.toEqual(kinds('b'));
  });

  it('fails a query whatever became of it, for a while or for good, or lets it wait in the queue', () => {
    const reply = { QueryExecution: { QueryExecutionId: 'q', Status: { State: 'SUCCEEDED' } } };
    const told = faultsOf('athena', 'GetQueryExecution').flatMap((fault) => {
      if (fault.kind !== 'otherReply') return [];
      const { Status } = executionReply.parse(JSON.parse(fault.body(JSON.stringify(reply)))).QueryExecution;
      return `${Status.State} ${Status.AthenaError?.Retryable} ${Status.StateChangeReason?.split(' ')[0]}`;
    });
    expect(new Set(told)).toEqual(
      new Set([
        'QUEUED undefined undefined',
        'FAILED true GENERIC_INTERNAL_ERROR:',
        'FAILED false Query',
        'FAILED false HIVE_CURSOR_ERROR:',
      ]),
    );
  });

  it('tells of what no retry of the run gets over, and of nothing else', () => {
    const told: AwsCall[] = [];
    const plan = soakFaults(0.5, 'seed', (one) => told.push(one));
    const ended = Array.from({ length: 4000 }, (_, index) => call('s3', 'PutObject', index)).filter(
      (one) => plan(one)?.kind === 'crash',
    );
    expect(ended.length).toBeGreaterThan(5);
    expect(told).toEqual(ended);
  });

  it('lets half of the few calls for secrets fail at first', () => {
    const plan = soakFaults(0.05, 'seed', () => undefined);
    const secret = call('secretsmanager', 'GetSecretValue');
    const failed = Array.from({ length: 400 }, () => plan(secret)).filter((fault) => fault !== undefined);
    expect(failed.length).toBeGreaterThan(150);
    expect(failed.length).toBeLessThan(250);
  });

  it('says once in a row that a query failed or an entry was refused, whatever else fails in between', () => {
    const plan = soakFaults(0.5, 'seed', () => undefined);
    const kinds = Array.from({ length: 2_000 }, () => plan(call('events', 'PutEvents'))?.kind);
    const answered = kinds.filter((kind) => kind === undefined || kind === 'otherReply').join();
    expect(answered.match(/otherReply/g)?.length).toBeGreaterThan(50);
    expect(answered).not.toContain('otherReply,otherReply');
  });

  it('refuses one entry of a PutEvents that is sent', () => {
    const fault = faultsOf('events', 'PutEvents').find(({ kind }) => kind === 'otherReply');
    if (fault?.kind !== 'otherReply') throw new Error('a fault of that kind was expected');
    const reply = { FailedEntryCount: 0, Entries: [{ EventId: '1' }, { EventId: '2' }] };
    const changed = z
      .object({ FailedEntryCount: z.int(), Entries: z.array(z.record(z.string(), z.string())) })
      .parse(JSON.parse(fault.body(JSON.stringify(reply))));
    expect(changed.FailedEntryCount).toBe(1);
    expect(changed.Entries).toMatchObject([{ ErrorCode: 'InternalFailure' }, { EventId: '2' }]);
  });
});

describe('endedEarly', () => {
  const month = { hours: 720, calmFrom: 719 };

  it('lives a calm day from the hour on at which it is told to end, however often it is told', () => {
    const ended = endedEarly(month, 100);
    expect(ended).toEqual({ hours: 124, calmFrom: 100 });
    expect(endedEarly(ended, 101)).toEqual(ended);
  });

  it('ends as it would have on its last day', () => {
    expect(endedEarly(month, 696)).toEqual(month);
  });
});

describe('parseSoakArguments', () => {
  it('has defaults for everything, and reads every option', () => {
    const defaults = { days: 30, historyDays: 60, places: 3, rate: 0.05, seed: '1', help: false };
    expect(parseSoakArguments([])).toEqual(defaults);
    expect(
      parseSoakArguments([
        '--days',
        '2',
        '--history-days=7',
        '--places=1',
        '--rate',
        '0.1',
        '--seed',
        'x',
        '-h',
      ]),
    ).toEqual({ days: 2, historyDays: 7, places: 1, rate: 0.1, seed: 'x', help: true });
  });

  it.each([
    [['--days', '0'], '--days needs a whole number from 1 to 300, not "0"'],
    [['--places', '4'], '--places needs a whole number from 1 to 3, not "4"'],
    [['--rate', '2'], '--rate needs a share from 0 to 0.5, not "2"'],
    [['--sed', '1'], 'Unknown option --sed. Did you mean --seed?'],
    [['7'], 'Unexpected "7".'],
  ])('refuses %j with a hint', (args, reason) => {
    expect(() => parseSoakArguments(args)).toThrow(reason);
  });
});
