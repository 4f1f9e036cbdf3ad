import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readRecording } from '../../../../lib/recorded-weather/observation-file/read';

const directory = mkdtempSync(join(tmpdir(), 'garoa-recording-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(content: string | Buffer, name = 'station.csv'): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const seconds = (instant: string): number => Date.parse(instant) / 1000;

describe('readRecording', () => {
  it('reads the recording that comes with the project: 26,115 rows of three airports', async () => {
    const recording = await readRecording('lib/recorded-weather/recordings/nyc-2013.csv.gz');
    expect(recording.rows).toBe(26_115);
    expect(recording.locations).toMatchObject([
      { id: 'ewr', name: 'Newark Liberty Intl', query: 'ewr', timezone: 'America/New_York' },
      { id: 'jfk', latitude: 40.639751 },
      { id: 'lga', longitude: -73.872608 },
    ]);
    expect([...recording.series.values()].map(({ times }) => times.length)).toEqual([8703, 8706, 8706]);
    expect(recording.from).toBe(seconds('2013-01-01T06:00:00Z'));
    expect(recording.to).toBe(seconds('2013-12-31T00:00:00Z'));
    // The absurd wind is what the station said.
    const gale = recording.series.get('ewr')?.latest(seconds('2013-02-12T08:00:00Z'));
    expect(gale?.values.wind_kph).toBeCloseTo(1687.17, 2);
  });

  it('keeps an absent measurement apart from zero', async () => {
    const path = file(
      'location_id,observed_at,precip_mm,gust_kph\na,2020-01-01T00:00:00Z,0,\na,2020-01-01T01:00:00Z,NA,1\n',
    );
    const series = (await readRecording(path)).series.get('a');
    expect(series?.latest(seconds('2020-01-01T00:59:59Z'))?.values).toMatchObject({
      precip_mm: 0,
      gust_kph: null,
    });
    expect(series?.latest(seconds('2020-01-01T01:00:00Z'))?.values).toMatchObject({
      precip_mm: null,
      gust_kph: 1,
    });
  });

  it('takes rows in any order, from plain and gzipped files, with a byte order mark and Windows lines', async () => {
    const text =
      '\ufefflocation_id,observed_at,temp_c\r\nb,2020-01-01T02:00:00Z,2\r\na,2020-01-01T01:00:00Z,1\r\nb,2020-01-01T00:30:00+00:30,0\r\n';
    const recording = await readRecording(file(gzipSync(text), 'mixed.csv.gz'));
    expect(recording.locations.map(({ id }) => id)).toEqual(['a', 'b']);
    expect([...(recording.series.get('b')?.times ?? [])]).toEqual([
      seconds('2020-01-01T00:00:00Z'),
      seconds('2020-01-01T02:00:00Z'),
    ]);
  });

  it('knows places with one reading an hour from those with more', async () => {
    const path = file(
      'location_id,observed_at\nhourly,2020-01-01T00:00:00Z\noften,2020-01-01T00:00:00Z\noften,2020-01-01T00:20:00Z\n',
    );
    const { series } = await readRecording(path);
    expect(series.get('hourly')?.hourly).toBe(true);
    expect(series.get('often')?.hourly).toBe(false);
    expect(series.get('often')?.hoursBetween(0, Number.MAX_SAFE_INTEGER)).toBe(1);
  });

  it('takes forecasts of the next hour, and says whether there are any', async () => {
    const path = file(
      'location_id,observed_at,forecast_probability_pct,forecast_precip_mm\na,2020-01-01T00:00:00Z,40,0.3\na,2020-01-01T01:00:00Z,,\nb,2020-01-01T00:00:00Z,,\n',
    );
    const { series } = await readRecording(path);
    const readings = series.get('a')?.between(0, Number.MAX_SAFE_INTEGER) ?? [];
    expect(readings.map(({ forecast }) => forecast)).toEqual([
      { probabilityPct: 40, precipMm: 0.3 },
      undefined,
    ]);
    expect([...series.values()].map(({ hasForecasts }) => hasForecasts)).toEqual([true, false]);
  });

  it('moves the state of the air to the end of its hour when the file beside it says that it is of the start', async () => {
    file(JSON.stringify({ stateAt: 'start' }), 'start.json');
    const path = file(
      'location_id,observed_at,temp_c,precip_mm,forecast_precip_mm\na,2020-01-01T00:00:00Z,1,0.1,9\na,2020-01-01T01:00:00Z,2,0.2,8\na,2020-01-01T03:00:00Z,4,0.4,7\n',
      'start.csv',
    );
    const readings = (await readRecording(path)).series.get('a')?.between(0, Number.MAX_SAFE_INTEGER) ?? [];
    // At 01:00 ended the hour of 00, at 02:00 nothing was recorded, and after 03:00 neither.
    expect(
      readings.map(({ values, forecast }) => [values.temp_c, values.precip_mm, forecast?.precipMm]),
    ).toEqual([
      [2, 0.1, 9],
      [null, 0.2, 8],
      [null, 0.4, 7],
    ]);
  });

  it('makes ids that the configuration takes, and takes names and zones from the file beside it', async () => {
    file(
      JSON.stringify({ locations: [{ id: 'inmet-a701', name: 'Mirante', timezone: 'America/Sao_Paulo' }] }),
      'sp.json',
    );
    const path = file('location_id,observed_at\nINMET A701,2020-01-01T00:00:00Z\n', 'sp.csv');
    expect((await readRecording(path)).locations).toEqual([
      {
        id: 'inmet-a701',
        name: 'Mirante',
        query: 'inmet-a701',
        timezone: 'America/Sao_Paulo',
        pollEveryMinutes: 1,
        forecast: true,
      },
    ]);
  });

  it.each([
    [
      'a number that is none',
      'location_id,observed_at,temp_c\na,2020-01-01T00:00:00Z,warm\n',
      'line 2, column temp_c: "warm" is not a number',
    ],
    [
      'a time without a zone',
      'location_id,observed_at\na,2020-01-01T00:00:00\n',
      'line 2, column observed_at',
    ],
    [
      'a day that does not exist',
      'location_id,observed_at\na,2021-02-29T00:00:00Z\n',
      'line 2, column observed_at',
    ],
    [
      'a repeated reading',
      'location_id,observed_at\na,2020-01-01T00:00:00Z\nb,2020-01-01T00:00:00Z\na,2020-01-01T00:00:00Z\n',
      'line 4, column observed_at: second reading of "a" at that time (the first is on line 2)',
    ],
    ['a missing column', 'location_id,temp_c\na,1\n', 'line 1, column observed_at: the column is missing'],
    [
      'a misspelt column',
      'location_id,observed_at,temp_f\n',
      'line 1, column temp_f: not a column of an observation; did you mean "temp_c"?',
    ],
    [
      'a column twice',
      'location_id,observed_at,temp_c,temp_c\n',
      'line 1, column temp_c: the column is there twice',
    ],
    [
      'a short row',
      'location_id,observed_at,temp_c\na,2020-01-01T00:00:00Z\n',
      'line 2: 2 cells where the header has 3',
    ],
    [
      'a quote that never ends',
      'location_id,observed_at\n"a,2020-01-01T00:00:00Z\n',
      'line 2: not readable as CSV',
    ],
    [
      'an id without letters',
      'location_id,observed_at\n--,2020-01-01T00:00:00Z\n',
      'line 2, column location_id',
    ],
    [
      'two ids that become one',
      'location_id,observed_at\nA 1,2020-01-01T00:00:00Z\na-1,2020-01-01T01:00:00Z\n',
      'line 3, column location_id: "a-1" and "A 1" both become the id "a-1"',
    ],
    ['no rows', 'location_id,observed_at\n', 'no rows after the header'],
    ['nothing', '', 'the file is empty'],
  ])('refuses %s with line, column and reason', async (_, content, reason) => {
    await expect(readRecording(file(content))).rejects.toThrow(
      `station.csv${reason.startsWith('line') ? ', ' : ': '}${reason}`,
    );
  });

  it('refuses a gzip file that was cut off, and a file that is not there', async () => {
    const whole = gzipSync('location_id,observed_at\na,2020-01-01T00:00:00Z\n');
    await expect(readRecording(file(whole.subarray(0, 30), 'cut.csv.gz'))).rejects.toThrow(
      'cut.csv.gz: not a complete gzip file',
    );
    await expect(readRecording(join(directory, 'nowhere.csv'))).rejects.toThrow('no such file');
  });
});
