import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireEnv } from '../../lambdas/runtime/env';
import { loadSettings, SETTINGS_FILE, settingsSchema } from '../../lambdas/settings';
import { locationSchema } from '../../lambdas/weather/location';

const SETTINGS = {
  stage: 'prod',
  provider: 'weatherapi',
  locations: [{ id: 'jfk', name: 'JFK', query: 'JFK', timezone: 'America/New_York' }],
  rainThresholdMm: 0.1,
  training: {},
};

describe('the settings of a function', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'garoa-settings-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('are read from beside the bundle, defaults filled in', () => {
    writeFileSync(join(directory, SETTINGS_FILE), JSON.stringify(SETTINGS));
    expect(loadSettings(directory).locations[0]).toMatchObject({ id: 'jfk', pollEveryMinutes: 1 });
  });

  it('name the path of what does not fit', () => {
    writeFileSync(join(directory, SETTINGS_FILE), JSON.stringify({ ...SETTINGS, rainThresholdMm: -1 }));
    expect(() => loadSettings(directory)).toThrow('rainThresholdMm');
  });

  it('name the providers there are when one is unknown', () => {
    const parsed = settingsSchema.safeParse({ ...SETTINGS, provider: 'metoffice' });
    expect(parsed.error?.issues).toMatchObject([
      { path: ['provider'], message: 'expected one of weatherapi, open-meteo' },
    ]);
  });
});

describe('a location', () => {
  const jfk = { id: 'jfk', name: 'JFK', latitude: 40.64, longitude: -73.78, timezone: 'America/New_York' };

  it.each([
    ['coordinates out of range', { latitude: 91 }, 'latitude'],
    ['half of its coordinates', { longitude: undefined, query: 'JFK' }, 'latitude'],
    ['neither query nor coordinates', { latitude: undefined, longitude: undefined }, 'query'],
    ['an id that is no slug', { id: 'São Paulo' }, 'id'],
    ['an unknown time zone', { timezone: 'America/Gotham' }, 'timezone'],
    ['a cadence that does not divide the hour', { pollEveryMinutes: 7 }, 'pollEveryMinutes'],
  ])('is refused with %s', (_, change, path) => {
    const parsed = locationSchema.safeParse({ ...jfk, ...change });
    expect(parsed.error?.issues.map((issue) => issue.path[0])).toEqual([path]);
  });
});

describe('an environment variable', () => {
  it('is named when it is missing or empty', () => {
    expect(() => requireEnv('RAW_BUCKET', {})).toThrow('RAW_BUCKET');
    expect(() => requireEnv('RAW_BUCKET', { RAW_BUCKET: '' })).toThrow('RAW_BUCKET');
    expect(requireEnv('RAW_BUCKET', { RAW_BUCKET: 'raw' })).toBe('raw');
  });
});
