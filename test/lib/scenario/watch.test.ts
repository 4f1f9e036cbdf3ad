import type { InvocationRecord } from '../../../lib/local/cloud';
import { watchBackfill, watchLive, watchTraining } from '../../../lib/scenario/watch';
import type { Progress } from '../../../lib/terminal/progress';

const FAILURE = { kind: 'thrown', errorType: 'Error', errorMessage: 'no', trace: [] } as const;

function recorder() {
  const steps: Parameters<Progress['step']>[] = [];
  const notes: string[] = [];
  const progress: Progress = {
    phase: () => undefined,
    step: (...step) => void steps.push(step),
    note: (line) => void notes.push(line),
    end: () => undefined,
  };
  return { progress, steps, notes };
}

function record(name: string, event: unknown, payload: unknown = null, failed = false): InvocationRecord {
  return {
    function: `garoa-prod-${name}`,
    source: 'state machine',
    at: '2013-12-01T00:00:00Z',
    event,
    result: {
      requestId: 'r',
      payload,
      milliseconds: 1,
      ...(failed && { functionError: FAILURE }),
    },
  };
}

describe('the progress of a backfill', () => {
  it('counts a day once, however often it was fetched, and not before that succeeded', () => {
    const { progress, steps } = recorder();
    const watch = watchBackfill(progress);
    const day = (date: string) => ({ backfill: { date } });
    watch(record('ingest', day('2013-01-01'), null, true));
    watch(record('ingest', day('2013-01-01')));
    watch(record('ingest', day('2013-01-02')));
    watch(record('ingest', day('2013-01-01')));
    watch(record('hourly', { from: '2013-01-01', to: '2013-01-02' }));
    expect(steps.map(([done]) => done)).toEqual([1, 2, 2]);
  });
});

describe('the progress of live hours', () => {
  it('counts the minutes of those hours: neither shards, nor what was polled before and after, nor history', () => {
    const { progress, steps } = recorder();
    const watch = watchLive(progress, Date.parse('2013-12-01T00:06:00Z'), Date.parse('2013-12-01T01:06:00Z'));
    for (let minute = 0; minute < 70; minute += 1) {
      const scheduledTime = new Date(Date.UTC(2013, 11, 1, 0, minute)).toISOString();
      watch(record('ingest', { scheduledTime, shard: 0 }));
      watch(record('ingest', { scheduledTime, shard: 1 }));
    }
    watch(record('ingest', { backfill: { date: '2013-12-01' } }));
    expect(Math.max(...steps.map(([done]) => done))).toBe(60);
  });
});

describe('the progress of a training', () => {
  it('tells candidates of all known ones and places of all places, repeated steps once', () => {
    const { progress, steps, notes } = recorder();
    const watch = watchTraining(progress);
    watch(record('retrain', { step: 'plan' }, { chunks: [{ first: 0, count: 2 }] }));
    watch(record('retrain', { step: 'inspect', location: 'jfk' }, { batches: [{ first: 0, count: 3 }] }));
    const scored = record('retrain', { step: 'score', location: 'jfk', batch: { first: 0, count: 3 } });
    watch({ ...scored, result: { ...scored.result, functionError: FAILURE } });
    watch(scored);
    watch(scored);
    watch(record('retrain', { step: 'refine', location: 'jfk' }, { batches: [{ first: 3, count: 2 }] }));
    watch(record('retrain', { step: 'promote', location: 'jfk' }));
    watch(record('retrain', { step: 'promote', location: 'jfk' }));
    watch(record('retrain', { step: 'keep', location: 'lga' }));
    expect(steps.map(([done, , total]) => `${done}/${total}`)).toEqual([
      '0/0',
      '0/3',
      '3/3',
      '3/3',
      '3/5',
      '3/5',
      '3/5',
      '3/5',
    ]);
    expect(steps.at(-1)?.[1]).toBe('candidates, 2/2 places: lga keep');
    expect(notes).toEqual(['  jfk has a new model', '  lga stays as it is']);
  });
});
