import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { COLUMN_MEANINGS } from '../../../../lib/recorded-weather/observation-file/columns';
import { readRecording } from '../../../../lib/recorded-weather/observation-file/read';
import type { Reading, Recording } from '../../../../lib/recorded-weather/recording';

const directory = mkdtempSync(join(tmpdir(), 'garoa-files-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(content: string | Buffer, name = 'station.csv'): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const theCase = (name: string): string => join(__dirname, 'cases', name);

function readings({ series }: Recording): Reading[] {
  return [...series.values()].flatMap((place) => place.between(0, Number.MAX_SAFE_INTEGER));
}

const valuesOf = (recording: Recording) => readings(recording).map(({ values }) => values);
const timesOf = (recording: Recording) =>
  readings(recording).map(({ time }) => new Date(time * 1000).toISOString().slice(0, 16));

describe('files that people have', () => {
  it('reads cells parted by semicolons, and says so', async () => {
    const recording = await readRecording(theCase('obs-semicolon.csv'));
    expect(valuesOf(recording)).toMatchObject([{ temp_c: 1.5, precip_mm: 0 }]);
    expect(recording.notes).toEqual(['semicolons part the cells']);
  });

  it('trims blanks from every cell', async () => {
    const recording = await readRecording(theCase('obs-leading-blank.csv'));
    expect(timesOf(recording)).toEqual(['2013-01-01T06:00']);
    expect(valuesOf(recording)).toMatchObject([{ temp_c: 1, precip_mm: 0 }]);
    expect(recording.notes).toEqual([]);
  });

  it('takes a sentinel as unknown, and says which and how often', async () => {
    const recording = await readRecording(theCase('obs-sentinel.csv'));
    expect(valuesOf(recording)).toMatchObject([{ temp_c: null, precip_mm: null }]);
    expect(recording.notes).toEqual(['-9999 was taken as unknown, 2 times (temp_c 1, precip_mm 1)']);
  });

  it('refuses a file without a header with the way out, which reads it', async () => {
    const path = theCase('obs-headerless-meteostat.csv');
    await expect(readRecording(path)).rejects.toThrow(
      "obs-headerless-meteostat.csv, line 1: there is no header, the first line holds values: say what they are by position, such as --columns 'observed_at=1+2+Z,temp_c=3'",
    );
    const columns =
      'observed_at=1+2+Z,temp_c=3,dewpoint_c=4,humidity_pct=5,precip_mm=6,wind_degree=8,wind_kph=9';
    const recording = await readRecording(path, columns);
    expect(timesOf(recording)).toEqual(['2019-07-09T00:00', '2019-07-09T01:00']);
    expect(valuesOf(recording)).toMatchObject([
      { temp_c: 20, precip_mm: null, wind_degree: 230, pressure_mb: null },
      { temp_c: 19.8, dewpoint_c: 17.7, humidity_pct: 91, precip_mm: 0.2, wind_kph: 7.6 },
    ]);
    expect(recording.notes).toEqual([
      'there is no location_id, so that all rows are of one place, obs-headerless-meteostat',
    ]);
  });

  it('reads decimal commas beside semicolons and tabs, and says how many', async () => {
    const semicolons = await readRecording(
      file('observed_at;temp_c;precip_mm\n2019-01-01T00:00Z;-1,5;0,2\n'),
    );
    expect(valuesOf(semicolons)).toMatchObject([{ temp_c: -1.5, precip_mm: 0.2 }]);
    expect(semicolons.notes).toContain('decimal commas were read in 2 values');
    const tabs = await readRecording(file('observed_at\ttemp_c\n2019-01-01T00:00Z\t1,5\n'));
    expect(valuesOf(tabs)).toMatchObject([{ temp_c: 1.5 }]);
    expect(tabs.notes).toContain('tabs part the cells');
    await expect(readRecording(file('observed_at,temp_c\n2019-01-01T00:00Z,"1,5"\n'))).rejects.toThrow(
      'line 2, column temp_c: "1,5" is not a number; decimal commas are read where semicolons or tabs part the cells',
    );
  });

  it('tells the delimiter of a file without a header from decimal commas', async () => {
    const recording = await readRecording(
      file('2019-01-01 00:00;1,5;0,2;3,4;5,6\n'),
      'observed_at=1+-03:00,temp_c=2',
    );
    expect(timesOf(recording)).toEqual(['2019-01-01T03:00']);
    expect(valuesOf(recording)).toMatchObject([{ temp_c: 1.5 }]);
  });

  it('takes a trace of rain as 0, with a count, and refuses one elsewhere', async () => {
    const recording = await readRecording(
      file('observed_at,precip_mm\n2019-01-01T00:00Z,T\n2019-01-01T01:00Z,t\n'),
    );
    expect(valuesOf(recording).map(({ precip_mm }) => precip_mm)).toEqual([0, 0]);
    expect(recording.notes).toContain('a trace of rain (T) was taken as 0 mm, 2 times');
    await expect(readRecording(file('observed_at,temp_c\n2019-01-01T00:00Z,T\n'))).rejects.toThrow(
      '"T" is not a number; leave the cell empty where there is no value',
    );
  });

  it.each([
    ['temp_c', '-9999'],
    ['temp_c', '-99.9'],
    ['temp_c', '999.9'],
    ['wind_degree', '999'],
    ['visibility_km', '9999'],
    ['pressure_mb', '99999.0'],
    ['precip_mm', '-32768'],
    ['precip_mm', '32766'],
    ['forecast_probability_pct', '-999'],
  ])('knows that %s is not %s', async (column, sentinel) => {
    const recording = await readRecording(file(`observed_at,${column}\n2019-01-01T00:00Z,${sentinel}\n`));
    expect(recording.notes).toContain(`${sentinel} was taken as unknown, once (${column} 1)`);
    expect(readings(recording)).toMatchObject([
      { values: { temp_c: null, wind_degree: null, precip_mm: null } },
    ]);
  });

  it.each([
    ['cloud_pct', '99', 99],
    ['pressure_mb', '999.9', 999.9],
    ['precip_mm', '99.9', 99.9],
    // An impossible value that no program writes for an absent one stays, as the station said it.
    ['wind_kph', '1687.2', 1687.2],
  ])('leaves a %s of %s alone', async (column, text, value) => {
    const recording = await readRecording(file(`observed_at,${column}\n2019-01-01T00:00Z,${text}\n`));
    expect(valuesOf(recording)).toMatchObject([{ [column]: value }]);
    expect(recording.notes.join()).not.toContain('unknown');
  });

  it.each(['', 'NA', 'NaN', 'null', 'None', 'M', '-', '///'])('takes "%s" for no value', async (text) => {
    const recording = await readRecording(file(`observed_at,temp_c,uv\n2019-01-01T00:00Z,${text},1\n`));
    expect(valuesOf(recording)).toMatchObject([{ temp_c: null, uv: 1 }]);
  });

  it('passes over the row numbers that some programs write', async () => {
    const recording = await readRecording(file(',observed_at,temp_c\n0,2019-01-01T00:00Z,5\n'));
    expect(valuesOf(recording)).toMatchObject([{ temp_c: 5 }]);
  });
});

describe('what programs make of files', () => {
  const table = 'location_id,observed_at,temp_c\na,2019-07-09T06:00Z,7\n';
  const marked = Buffer.from(`\ufeff${table}`, 'utf16le');

  it.each([
    [
      'sep=; as spreadsheets write it',
      '\ufeffsep=;\r\nlocation_id;observed_at;temp_c\r\na;2019-07-09T06:00Z;7\r\n',
    ],
    ['sep=, in quotes', `"sep=,"\r\n${table.replaceAll('\n', '\r\n')}`],
    ['vertical bars', table.replaceAll(',', '|')],
    ['remarks before and after', `# station a\n${table}# 1 row\n`],
    ['UTF-16', marked],
    ['a gzip file of another name', gzipSync(table)],
    ['lines that end as on old machines', table.replaceAll('\n', '\r')],
    ['names in capitals', table.replace('observed_at,temp_c', 'Observed_At,TEMP_C')],
    ['a comma at the end of each row', table.replaceAll('07-09T06:00Z,7', '07-09T06:00Z,7,')],
  ])('reads %s', async (_, content) => {
    const recording = await readRecording(file(content));
    expect([...recording.series.keys()]).toEqual(['a']);
    expect(timesOf(recording)).toEqual(['2019-07-09T06:00']);
    expect(valuesOf(recording)).toMatchObject([{ temp_c: 7 }]);
  });

  it('reads Latin-1, says so, and makes ids of letters with accents', async () => {
    const text = 'location_id;observed_at;PRECIPITAÇÃO (mm)\nSão Paulo;2019-07-09T06:00Z;,2\n';
    const recording = await readRecording(file(Buffer.from(text, 'latin1')), 'precip_mm=PRECIPITAÇÃO (mm)');
    expect([...recording.series.keys()]).toEqual(['sao-paulo']);
    expect(valuesOf(recording)).toMatchObject([{ precip_mm: 0.2 }]);
    expect(recording.notes).toContain('its text is read as Latin-1, since it is no UTF-8');
  });

  it.each([
    [
      'a zip file',
      Buffer.from('PK\u0003\u0004 workbook'),
      'a zip file, as workbooks (.xlsx) are too: unpack it',
    ],
    ['big-endian UTF-16', Buffer.from(marked).swap16(), 'save it as UTF-8'],
    ['zeros', Buffer.alloc(100), 'NUL bytes are in it'],
    ['a page', '<!DOCTYPE html><html>\n', 'is its only column: neither commas nor semicolons'],
    ['columns in print', 'location_id observed_at temp_c\n', 'is its only column'],
  ])('refuses %s, and says what it is', async (_, content, reason) => {
    await expect(readRecording(file(content))).rejects.toThrow(reason);
  });

  it.each([
    ['27.11.2026 14:00', '+Z', '2026-11-27T14:00'],
    ['2026-11-27 02:00 PM', '+-03:00', '2026-11-27T17:00'],
    ['2026-11-27 12:05 a.m.', '+Z', '2026-11-27T00:05'],
    ['2026112714', '+Z', '2026-11-27T14:00'],
    ['20261127T140000Z', '', '2026-11-27T14:00'],
    ['2026-11-27T14:00-03', '', '2026-11-27T17:00'],
    ['2026-11-27t14:00z', '', '2026-11-27T14:00'],
  ])('takes %s for a time', async (text, zone, instant) => {
    const path = file(`observed_at,temp_c\n${text},7\n`);
    expect(timesOf(await readRecording(path, `observed_at=observed_at${zone}`))).toEqual([instant]);
  });

  it('tells the hour that comes twice in autumn by its offset', async () => {
    const rows = '2013-11-03T01:00-04:00,1\n2013-11-03T01:00-05:00,2\n';
    const recording = await readRecording(file(`observed_at,temp_c\n${rows}`));
    expect(timesOf(recording)).toEqual(['2013-11-03T05:00', '2013-11-03T06:00']);
  });

  it.each([
    ['27.11.2026 14:00', "if only the zone lacks: --columns 'observed_at=observed_at+Z'"],
    ['11/27/2026 14:00', 'whether its day or its month comes first can not be told'],
    ['1795788000', 'seconds since 1970 are not read'],
    ['2026-11-27 24:00', 'midnight is 00:00 of the day that begins'],
    ['2026-11-27 14:00 BRT', 'a zone is Z or an offset such as -03:00'],
    ['2026-11-27T14:00+99:00', 'a zone is Z or an offset such as -03:00'],
    ['2026-11-27 13:00 PM', 'is not a time'],
  ])('refuses %s for a time, and says what to do', async (text, advice) => {
    await expect(readRecording(file(`observed_at,temp_c\n${text},7\n`))).rejects.toThrow(advice);
  });

  it.each([
    ['1.013,2', 'write it without marks between thousands'],
    ['95%', 'write the number alone, without unit or mark'],
    ['<0.1', 'write the number alone'],
    ['0x10', 'write the number alone'],
    ['warm', 'leave the cell empty where there is no value'],
  ])('refuses %s for a number, and says what to do', async (text, advice) => {
    await expect(readRecording(file(`observed_at;temp_c\n2019-07-09T06:00Z;${text}\n`))).rejects.toThrow(
      `line 2, column temp_c: "${text}" is not a number; ${advice}`,
    );
  });

  it('refuses a point of which nobody can tell what it parts', async () => {
    const rows = '2019-07-09T06:00Z;1.013;1\n2019-07-09T07:00Z;1013,2;1\n';
    await expect(readRecording(file(`observed_at;pressure_mb;temp_c\n${rows}`))).rejects.toThrow(
      'line 2, column pressure_mb: "1.013" may have a decimal point or part thousands',
    );
    const points = await readRecording(file('observed_at;visibility_km\n2019-07-09T06:00Z;16.093\n'));
    expect(valuesOf(points)).toMatchObject([{ visibility_km: 16.093 }]);
  });
});

describe('--columns', () => {
  it('takes columns by name, keeps those that are known, and leaves the others', async () => {
    const recording = await readRecording(
      file('location_id,DATE,HR,TEMP,precip_mm,REMARK\na,2019/07/09,0100,7,0.5,fine\n'),
      'temp_c=TEMP, observed_at=DATE+HR+UTC',
    );
    expect(timesOf(recording)).toEqual(['2019-07-09T01:00']);
    expect(valuesOf(recording)).toMatchObject([{ temp_c: 7, precip_mm: 0.5 }]);
  });

  it('gives a zone to a time that lacks one', async () => {
    const path = file('observed_at,temp_c\n2019-07-09 06:00,7\n');
    await expect(readRecording(path)).rejects.toThrow(
      "if only the zone lacks: --columns 'observed_at=observed_at+Z'",
    );
    expect(timesOf(await readRecording(path, 'observed_at=observed_at+Z'))).toEqual(['2019-07-09T06:00']);
    expect(timesOf(await readRecording(path, 'observed_at=observed_at+05:30'))).toEqual(['2019-07-09T00:30']);
  });

  it.each([
    ['temp_c', '--columns wants NAME=COLUMN, parted by commas, not "temp_c"'],
    ['temp=T', 'line 1, column temp: not a column of an observation; did you mean "temp_c"?'],
    ['temp_c=T,temp_c=T', 'column temp_c: --columns names the column twice'],
    ['temp_c=X', 'column temp_c: --columns takes it from "X", but the file has observed_at, T'],
    ['observed_at=observed_at+America/Sao_Paulo', 'column observed_at: --columns takes no zone by its name'],
    ['temp_c=9', 'column temp_c: --columns takes it from "9"'],
    ['temp_c=observed_at+T', 'column temp_c: only observed_at is made of several columns'],
  ])('refuses %s with what to do', async (columns, reason) => {
    await expect(readRecording(file('observed_at,T\n2019-07-09T06:00Z,7\n'), columns)).rejects.toThrow(
      reason,
    );
  });

  it('is what a refusal of an unknown column advises', async () => {
    const path = file('observed_at,TEMPERATURE\n2019-07-09T06:00Z,7\n');
    await expect(readRecording(path)).rejects.toThrow("--columns 'temp_c=TEMPERATURE'");
  });
});

it('lists every column, with its meaning, in the page beside the recordings', () => {
  const page = readFileSync('lib/recorded-weather/recordings/README.md', 'utf8');
  for (const [name, meaning] of COLUMN_MEANINGS) expect(page).toContain(`| \`${name}\` | ${meaning} |`);
});
