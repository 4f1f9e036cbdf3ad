import { isExplained, wantedOf } from '../../../lib/scenario/audit';

/** New York's 14th of February ends at 05:00 UTC of the 15th. */
const LOCAL_DAY = ['jfk 2013-02-14T23:00:00Z', 'jfk 2013-02-15T00:00:00Z'] as const;
const AT = '2013-02-15T06:00:00.000Z';
const result = { requestId: 'one', payload: null, milliseconds: 1 };
const backfill = (date: string, at = AT) => ({ at, event: { backfill: { date } }, result });

const FAILED = { kind: 'thrown', errorType: 'LocationsFailed', errorMessage: 'no', trace: [] } as const;

describe('wantedOf', () => {
  const served = new Map(LOCAL_DAY.map((id) => [id, new Set([AT])]));

  it('leaves out hours of a local day that belong to a UTC day nobody asked for (seed c1)', () => {
    expect(wantedOf(served, [backfill('2013-02-14')])).toEqual([LOCAL_DAY[0]]);
    expect(wantedOf(served, [backfill('2013-02-14'), backfill('2013-02-15')])).toEqual(LOCAL_DAY);
  });

  it('leaves out an hour that only the answer to another day held', () => {
    const earlier = backfill('2013-02-15', '2013-02-15T03:00:00.000Z');
    expect(wantedOf(served, [backfill('2013-02-14'), earlier])).toEqual([LOCAL_DAY[0]]);
  });

  it('counts whatever a poll was told', () => {
    const poll = { at: AT, event: { scheduledTime: '2013-02-15T06:00:00Z' }, result };
    expect(wantedOf(served, [poll])).toEqual(LOCAL_DAY);
  });

  it('leaves out what a poll was told that had been stored and was delivered again (seed c1)', () => {
    const event = { scheduledTime: '2013-02-19T09:56:00Z' };
    const [first, again] = ['2013-02-19T09:56:00.000Z', '2013-02-19T10:06:00.000Z'];
    const told = new Map([
      ['ewr 2013-02-19T09:45:00Z', new Set([first])],
      ['ewr 2013-02-19T10:00:00Z', new Set([again])],
    ]);
    const deliveries = [first, again].map((at) => ({ at, event, result }));
    expect(wantedOf(told, deliveries)).toEqual(['ewr 2013-02-19T09:45:00Z']);
    const failed = { at: first, event, result: { ...result, functionError: FAILED } };
    expect(wantedOf(told, [failed, ...deliveries.slice(1)])).toEqual([...told.keys()]);
  });
});

describe('isExplained', () => {
  const rung = { name: 'garoa-prod-hourly-did-not-run', at: '2013-02-15T01:01:00Z' };
  const silence = { kind: 'silence', from: '2013-02-15T00:00:00Z', to: '2013-02-15T00:06:00Z' } as const;

  it('by what was done in the time that the alarm looks back over (seed c1)', () => {
    expect(isExplained(rung, [silence])).toBe(true);
    expect(isExplained({ ...rung, at: '2013-02-15T05:00:00Z' }, [silence])).toBe(false);
  });

  it('by an hour that was closed once more without observations (seed m1)', () => {
    const empty = { name: 'garoa-prod-hourly-aggregated-nothing', at: '2013-02-15T02:07:00Z' };
    expect(isExplained(empty, [{ ...silence, kind: 'repetition' }])).toBe(true);
  });

  it('by an execution that was redriven and failed as before (seed m2)', () => {
    const failed = { name: 'garoa-prod-backfill-failed', at: '2013-02-15T01:07:00Z' };
    expect(isExplained(failed, [{ ...silence, kind: 'redrive' }])).toBe(true);
  });

  it('by nothing else, and an alarm that no deed can ring never', () => {
    expect(isExplained(rung, [])).toBe(false);
    expect(isExplained(rung, [{ ...silence, kind: 'object damaged' }])).toBe(false);
    expect(isExplained({ ...rung, name: 'garoa-prod-start-was-not-delivered' }, [silence])).toBe(false);
  });
});
