import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import {
  SqlTextRefused,
  sqlDate,
  sqlIdentifier,
  sqlName,
  sqlString,
  sqlTimestamp,
} from '../../../../lambdas/lake/sql/literals';

const hostile = [
  "'; DROP TABLE observations; --",
  "''",
  "\\'",
  'a"b',
  '`x`',
  '$${}',
  '/*',
  '\n--',
  'é’',
  '🌧',
];

describe('string literals', () => {
  it('mean the same text to the engine, whatever the text is', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const texts = [
      ...hostile,
      ...fc.sample(
        fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
        200,
      ),
    ];
    const result = await connection.runAndReadAll(`SELECT ${texts.map(sqlString).join(', ')}`);
    expect(result.getRowsJS()).toEqual([texts]);
  });

  it('never end before their last character, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('\0'));
        const inner = sqlString(text).slice(1, -1);
        expect(inner.replaceAll("''", '')).not.toContain("'");
      }),
    );
  });

  it('refuse what the wire would change', () => {
    expect(() => sqlString('a\0b')).toThrow(SqlTextRefused);
    expect(() => sqlString('\ud83c')).toThrow(SqlTextRefused);
  });
});

describe('identifiers', () => {
  it('are quoted for queries and plain for DDL', () => {
    expect(sqlIdentifier('hour')).toBe('"hour"');
    expect(sqlName('staging_1')).toBe('staging_1');
  });

  it.each([...hostile, '', 'Upper', '1st', '_x', 'a-b', 'a b', 'a.b', 'x'.repeat(129)])(
    'refuse %j',
    (name) => {
      expect(() => sqlIdentifier(name)).toThrow(SqlTextRefused);
      expect(() => sqlName(name)).toThrow(SqlTextRefused);
    },
  );

  it('let nothing through but letters, digits and underscores', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        let made: string | undefined;
        try {
          made = sqlName(name);
        } catch {
          return;
        }
        expect(made).toMatch(/^[a-z0-9_]+$/);
      }),
    );
  });
});

describe('times', () => {
  it('are written without a zone', () => {
    expect(sqlTimestamp('2024-02-29T23:00:00Z')).toBe("TIMESTAMP '2024-02-29 23:00:00'");
    expect(sqlDate('2024-02-29')).toBe("'2024-02-29'");
  });

  it.each(['2023-02-29T00:00:00Z', '2026-11-23T10:00', '2026-11-23T24:00:00Z', "2026-11-23' OR 1=1", ''])(
    'refuse the instant %j',
    (text) => {
      expect(() => sqlTimestamp(text)).toThrow(SqlTextRefused);
    },
  );

  it.each(['2023-02-29', '2026-13-01', '2026-1-1', "2026-11-23'", ''])('refuse the date %j', (text) => {
    expect(() => sqlDate(text)).toThrow(SqlTextRefused);
  });
});
