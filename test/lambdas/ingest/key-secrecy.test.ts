import { inspect } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { getObject, listObjects } from '../../../lambdas/lake/s3';
import { place } from '../weather/places';
import { weatherApiCurrent, weatherApiError, weatherApiHistory } from '../weather/replies';
import { type Answer, startWeatherServer, type WeatherServer } from '../weather/weather-server';
import { type DeployedIngest, deployIngest } from './deployed-ingest';

/** Its characters differ between an address and a text, so that both spellings must be looked for. */
const SENTINEL = 'sentinel/k3y+ "0123456789"';
const SPELLINGS = [
  SENTINEL,
  encodeURIComponent(SENTINEL),
  new URLSearchParams({ SENTINEL }).toString().slice('SENTINEL='.length),
  JSON.stringify(SENTINEL).slice(1, -1),
  Buffer.from(SENTINEL).toString('base64'),
  Buffer.from(SENTINEL).toString('hex'),
];

const NOW = Math.floor(Date.now() / 1_000);
const places = [place('jfk', { query: 'jfk', timezone: 'America/New_York' })];
const echoing = `You asked for ${SPELLINGS.map((spelling) => `?key=${spelling}`).join(' ')}`;

/** Everything that can go wrong with a request, each in a form that gives the key back where it can. */
const FAILURES: readonly (readonly [string, Answer])[] = [
  ['a rejected key', { status: 401, json: weatherApiError(2006, echoing) }],
  ['a disabled key', { status: 403, json: weatherApiError(2008, echoing) }],
  ['a used-up quota', { status: 403, json: weatherApiError(2007, echoing) }],
  ['an unknown place', { status: 400, json: weatherApiError(1006, echoing) }],
  ['a refused request', { status: 400, json: weatherApiError(1005, echoing) }],
  ['an unknown status', { status: 418, text: echoing }],
  [
    'a redirect',
    { status: 302, text: echoing, headers: { location: `/x?key=${encodeURIComponent(SENTINEL)}` } },
  ],
  ['too many requests', { status: 429, text: echoing, headers: { 'retry-after': '600' } }],
  ['a server error', { status: 500, json: { error: echoing }, headers: { 'retry-after': '600' } }],
  ['HTML', { text: `<html>${echoing}</html>` }],
  [
    'a content type that echoes',
    { text: echoing, headers: { 'content-type': `text/${encodeURIComponent(SENTINEL)}` } },
  ],
  ['truncated JSON', { text: `{"current": "${echoing}` }],
  ['wrong types', { json: { current: { last_updated_epoch: echoing } } }],
  ['a wrong shape', { json: { [SENTINEL]: echoing } }],
  ['a broken connection', 'reset'],
  ['silence', 'hang'],
];

describe('the API key', () => {
  let weather: WeatherServer;
  let ingest: DeployedIngest;

  afterEach(async () => {
    await ingest.close();
    await weather.close();
  });

  it('appears in no log, error, result or object, whatever fails', async () => {
    let answer: Answer = 'reset';
    const keysSent = new Set<string | null>();
    weather = await startWeatherServer((url) => {
      keysSent.add(url.searchParams.get('key'));
      return answer;
    });
    // Eight seconds are kept for writing; what is left for asking is soon over, and each failure final.
    ingest = await deployIngest({
      locations: places,
      weatherUrl: weather.url,
      apiKey: SENTINEL,
      timeoutSeconds: 8.4,
      patience: 3,
    });
    const seen: unknown[] = [];
    const failed: string[] = [];
    for (const [name, given] of FAILURES) {
      answer = given;
      const results = await Promise.all([
        ingest.invoke({ scheduledTime: '2026-11-23T10:15:00Z' }),
        ingest.invoke({ backfill: { date: '2026-11-01' } }),
      ]);
      if (results.every(({ functionError }) => functionError?.errorType === 'LocationsFailed'))
        failed.push(name);
      seen.push(results);
    }
    expect(failed).toEqual(FAILURES.map(([name]) => name));

    const failures = await ingest.close();

    // A key that a reply echoes, in fields known and unknown, must not reach the payload either.
    ingest = await deployIngest({ locations: places, weatherUrl: weather.url, apiKey: SENTINEL });
    answer = { json: weatherApiCurrent(NOW, { echo: echoing, [SENTINEL]: 1 }) };
    seen.push(await ingest.invoke({ scheduledTime: '2026-11-23T10:16:00Z' }));
    const day = Date.parse('2026-11-02T00:00:00Z') / 1_000;
    answer = { json: weatherApiHistory([day], { echo: echoing }) };
    seen.push(await ingest.invoke({ backfill: { date: '2026-11-02' } }));

    const objects = await listObjects(ingest.bucket, '');
    expect(objects).toHaveLength(2);
    for (const { key } of objects) {
      const stored = await getObject(ingest.bucket, key);
      seen.push(key, gunzipSync(stored?.bytes ?? new Uint8Array()).toString('utf8'));
    }
    expect([...keysSent]).toEqual([SENTINEL]);

    const { log } = await ingest.close();
    const everything =
      failures.log + log + inspect(seen, { depth: null, maxStringLength: null, showHidden: true });
    for (const spelling of SPELLINGS) expect(everything).not.toContain(spelling);
    expect(failures.log).toContain('failedLocations');
  });

  it.each([
    ['was never set', undefined],
    ['is an object of several values', `{"a":"${SENTINEL}","b":"${SENTINEL}"}`],
  ])('is asked for with the command that sets it when it %s', async (_, apiKey) => {
    weather = await startWeatherServer(() => ({ json: {} }));
    ingest = await deployIngest({
      locations: places,
      weatherUrl: weather.url,
      ...(apiKey !== undefined && { apiKey }),
    });
    const { functionError } = await ingest.invoke({ scheduledTime: '2026-11-23T10:15:00Z' });
    expect(functionError?.errorMessage).toContain(
      'No API key is set in garoa/weather-api-key. Set it with: aws secretsmanager put-secret-value',
    );
    expect(weather.requests).toHaveLength(0);
    const { log } = await ingest.close();
    expect(log + inspect(functionError)).not.toContain(SENTINEL);
  });
});
