import { wantedOf } from '../../../lib/scenario/audit';

/** New York's 14th of February ends at 05:00 UTC of the 15th. */
const LOCAL_DAY = ['jfk 2013-02-14T23:00:00Z', 'jfk 2013-02-15T00:00:00Z'] as const;
const AT = '2013-02-15T06:00:00.000Z';
const backfill = (date: string, at = AT) => ({ at, event: { backfill: { date } } });

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
    const poll = { at: AT, event: { scheduledTime: '2013-02-15T06:00:00Z' } };
    expect(wantedOf(served, [poll])).toEqual(LOCAL_DAY);
  });
});
