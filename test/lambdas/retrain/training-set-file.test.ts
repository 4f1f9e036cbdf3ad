import * as fc from 'fast-check';
import { encodeParquet } from '../../../lambdas/lake/parquet';
import { featureNames, SPOKEN } from '../../../lambdas/model/neighbours';
import {
  fingerprintOf,
  parseTrainingSet,
  TrainingSetDamaged,
} from '../../../lambdas/retrain/training-set-file';
import { spokenColumn } from '../../../lambdas/retrain/training-set-sql';
import { invent, type Row, trainingSetFile } from './weather';

const HOURS = 60;

describe('a training set', () => {
  it('comes out of its file in time order, with NaN for what is null', async () => {
    const rows = invent(HOURS);
    const set = await parseTrainingSet('ewr', trainingSetFile([...rows].reverse()));
    expect(set.featureNames).toEqual(featureNames(0));
    expect(Array.from(set.hours)).toEqual(rows.map(({ hour }) => Date.parse(String(hour))));
    expect(Array.from(set.y)).toEqual(rows.map(({ label }) => label));
    expect(Array.from(set.wetNow)).toEqual(rows.map(({ wet_now }) => wet_now));
    const at = (row: number, name: string) =>
      set.x.values[row * set.x.columns + featureNames(0).indexOf(name)];
    expect(at(7, 'pressure_mb')).toBe(rows[7]?.pressure_mb);
    expect(at(7, 'visibility_km')).toBeNaN();
  });

  it('is the same, to the bit, in whatever order the query wrote its rows', async () => {
    const rows = invent(HOURS);
    const expected = fingerprintOf(await parseTrainingSet('ewr', trainingSetFile(rows)));
    const shuffled = fc.shuffledSubarray([...rows], { minLength: HOURS, maxLength: HOURS });
    await fc.assert(
      fc.asyncProperty(shuffled, async (order) => {
        expect(fingerprintOf(await parseTrainingSet('ewr', trainingSetFile(order)))).toBe(expected);
      }),
      { numRuns: 10 },
    );
  });

  it('has another fingerprint when one value differs', async () => {
    const rows = invent(HOURS);
    const changed = rows.map((row, i) => (i === 30 ? { ...row, pressure_mb: 1000.0001 } : row));
    const [a, b] = await Promise.all(
      [rows, changed].map(async (of) => fingerprintOf(await parseTrainingSet('ewr', trainingSetFile(of)))),
    );
    expect(a).not.toBe(b);
  });

  it('holds what the neighbours said of each hour, in the order in which the query names them', async () => {
    const said = (t: number) =>
      t === 7 ? { rained: null, humidity_pct: null } : { rained: 1, humidity_pct: 50 + t };
    const rows: Row[] = invent(HOURS).map((row, t) => ({
      ...row,
      neighbours: 'jfk,lga',
      ...Object.fromEntries(
        SPOKEN.flatMap((name) => [
          [spokenColumn(0, name), Object.entries(said(t)).find(([of]) => of === name)?.[1] ?? null],
          [spokenColumn(1, name), row[name] ?? null],
        ]),
      ),
    }));
    const set = await parseTrainingSet('ewr', trainingSetFile(rows));
    expect(set.neighbours).toEqual(['jfk', 'lga']);
    expect(set.featureNames).toEqual(featureNames(2));
    const at = (row: number, name: string) =>
      set.x.values[row * set.x.columns + set.featureNames.indexOf(name)];
    const own = (row: number) => Number(rows[row]?.humidity_pct);
    expect(at(5, 'neighbours_humidity_pct')).toBeCloseTo((55 + own(5)) / 2, 12);
    expect(at(5, 'neighbour_1_humidity_pct')).toBeCloseTo(55 - (55 + 2 * own(5)) / 3, 12);
    expect(at(7, 'neighbours_humidity_pct')).toBe(own(7));
    expect(at(7, 'neighbour_1_humidity_pct')).toBe(0);
    const alone = await parseTrainingSet('ewr', trainingSetFile(invent(HOURS)));
    expect(fingerprintOf(alone)).not.toBe(fingerprintOf({ ...alone, neighbours: ['jfk'] }));
  });

  const damaged = (change: (row: Row, i: number) => Row) => trainingSetFile(invent(HOURS).map(change));
  it.each([
    ['bytes that are no Parquet', new TextEncoder().encode('hour,wet_now\n1,2\n'), /not a Parquet file/],
    ['half a file', trainingSetFile(invent(HOURS)).slice(0, 2_000), /not a Parquet file/],
    [
      'a label that is neither 0 nor 1',
      damaged((row, i) => (i === 3 ? { ...row, label: 2 } : row)),
      /label: 2 is neither/,
    ],
    [
      'an unknown label',
      damaged((row, i) => (i === 3 ? { ...row, label: null } : row)),
      /label: NaN is neither/,
    ],
    [
      'a wet-now flag of another kind',
      damaged((row, i) => (i === 3 ? { ...row, wet_now: 7 } : row)),
      /wet_now: 7/,
    ],
    [
      'an hour that is there twice',
      damaged((row, i) => (i === 3 ? { ...row, hour: '2013-01-01T04:00:00Z' } : row)),
      /2013-01-01T04:00:00.000Z is there twice/,
    ],
    ['a row without an hour', damaged((row, i) => (i === 3 ? { ...row, hour: null } : row)), /hour: a null/],
    [
      'another list of columns',
      encodeParquet([{ name: 'hour', type: 'timestamp', comment: '' }], invent(HOURS)),
      /column label/,
    ],
  ])('is refused when its file has %s', async (_, bytes, reason) => {
    const parsing = parseTrainingSet('ewr', bytes);
    await expect(parsing).rejects.toThrow(TrainingSetDamaged);
    await expect(parsing).rejects.toThrow(reason);
  });

  it('is refused when a NaN is in the file, which no query of ours writes', async () => {
    const bytes = trainingSetFile(invent(HOURS));
    const needle = new Uint8Array(new Float64Array([Number(invent(HOURS)[5]?.pressure_mb)]).buffer);
    const at = indexOf(bytes, needle);
    expect(at).toBeGreaterThan(0);
    bytes.set(new Uint8Array(new Float64Array([Number.NaN]).buffer), at);
    await expect(parseTrainingSet('ewr', bytes)).rejects.toThrow(
      'column pressure_mb: NaN is no finite value',
    );
  });
});

function indexOf(bytes: Uint8Array, needle: Uint8Array): number {
  return Buffer.from(bytes).indexOf(Buffer.from(needle));
}
