import fc from 'fast-check';
import * as z from 'zod';
import { FORECAST_VERIFICATION, FORECASTS } from '../../../lambdas/lake/layout';
import { decodeParquet, encodeParquet, ParquetRefused } from '../../../lambdas/lake/parquet';

const columns = [
  { name: 'text', type: 'string', comment: '' },
  { name: 'number', type: 'double', comment: '' },
  { name: 'small', type: 'int', comment: '' },
  { name: 'large', type: 'bigint', comment: '' },
  { name: 'flag', type: 'boolean', comment: '' },
  { name: 'time', type: 'timestamp', comment: '' },
] as const;
const names = columns.map(({ name }) => name);
const anything = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

const row = fc.record({
  text: fc.option(fc.string()),
  number: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)),
  small: fc.option(fc.integer()),
  large: fc.option(fc.maxSafeInteger()),
  flag: fc.option(fc.boolean()),
  time: fc.option(
    fc
      .integer({ min: 0, max: 4_000_000_000 })
      .map((s) => `${new Date(s * 1000).toISOString().slice(0, 19)}Z`),
  ),
});

it('gives back the rows that were written, whatever they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
      const bytes = encodeParquet(columns, rows);
      expect(await decodeParquet(bytes, names, anything)).toEqual(rows);
      expect(encodeParquet(columns, rows)).toEqual(bytes);
    }),
  );
});

it.each([
  ['NaN', { number: Number.NaN }, /Row 1, number: NaN/],
  ['infinity', { number: Number.POSITIVE_INFINITY }, /number/],
  ['a fraction for a whole number', { small: 1.5 }, /small: 1.5 is no int/],
  ['a text for a number', { large: '7' }, /large: 7 is no bigint/],
  ['a time that is none', { time: 'soon' }, /time: soon is no timestamp/],
  ['a column without a value', { flag: undefined }, /flag: undefined/],
])('refuses %s', (_, wrong, reason) => {
  const whole = { text: null, number: null, small: null, large: null, flag: null, time: null };
  const { flag, ...rest } = { ...whole, ...wrong };
  const cells = flag === undefined ? rest : { ...rest, flag };
  expect(() => encodeParquet(columns, [cells])).toThrow(ParquetRefused);
  expect(() => encodeParquet(columns, [cells])).toThrow(reason);
});

it('names row and column of what its reader did not declare', async () => {
  const bytes = encodeParquet(columns.slice(0, 1), [{ text: 'a' }, { text: null }]);
  await expect(decodeParquet(bytes, ['text'], z.object({ text: z.string() }))).rejects.toThrow('Row 2, text');
});

it('reads a column that was declared later as null, and refuses it where null is not allowed', async () => {
  const bytes = encodeParquet(columns.slice(0, 1), [{ text: 'a' }]);
  const later = z.object({ text: z.string(), number: z.number().nullable() });
  expect(await decodeParquet(bytes, ['text', 'number'], later)).toEqual([{ text: 'a', number: null }]);
  const needed = decodeParquet(bytes, ['text', 'number'], z.object({ number: z.number() }));
  await expect(needed).rejects.toThrow('Row 1, number');
});

it('writes no row as a file that has the columns', async () => {
  for (const table of [FORECASTS, FORECAST_VERIFICATION]) {
    const bytes = encodeParquet(table.columns, []);
    expect(await decodeParquet(bytes, [table.columns[0]?.name ?? ''], anything)).toEqual([]);
  }
});
