import { keys } from '../../../lambdas/lake/layout';
import { encodeParquet } from '../../../lambdas/lake/parquet';
import { getText, putObject } from '../../../lambdas/lake/s3';
import { promote } from '../../../lambdas/model/registry';
import { readRecentHours } from '../../../lambdas/pages/recent';
import { refreshIndex, refreshPlacePages } from '../../../lambdas/pages/refresh';
import { utcSecond } from '../../../lambdas/runtime/time';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';
import { modelFile } from '../model/model-file-fixture';
import { aLocation, aTest, testForecasts } from './content';

const FIRST = '20131124T000000Z-aaaaaaaa';
const SECOND = '20131201T000000Z-bbbbbbbb';
const JSON_TYPE = 'application/json';

describe('refreshing the pages', () => {
  let local: LocalBucket;
  beforeEach(async () => {
    local = await openLocalBucket();
  });
  afterEach(() => local.close());

  async function refresh(at: string): Promise<void> {
    const access = { locations: [aLocation()], processed: local.bucket, models: local.bucket };
    await refreshIndex(access, at);
    await refreshPlacePages(access, at, access.locations);
  }
  const pageOf = (id: string): Promise<string | undefined> => getText(local.bucket, keys.page(id));

  async function crown(version: string, at: string): Promise<void> {
    const put = (key: string, value: object) =>
      putObject(local.bucket, key, JSON.stringify(value), JSON_TYPE);
    await put(keys.metrics('jfk', version), { ...aTest().metrics, version });
    await put(keys.model('jfk', version), modelFile('jfk', version));
    await putObject(
      local.bucket,
      keys.testForecasts('jfk', version),
      encodeParquet(
        [
          { name: 'hour', type: 'timestamp', comment: '' },
          { name: 'probability', type: 'double', comment: '' },
          { name: 'outcome', type: 'int', comment: '' },
          { name: 'persistence_probability', type: 'double', comment: '' },
        ],
        testForecasts.map(({ hour, probability, outcome, persistenceProbability }) => ({
          hour: utcSecond(hour),
          probability,
          outcome,
          persistence_probability: persistenceProbability,
        })),
      ),
      'application/vnd.apache.parquet',
    );
    await promote(local.bucket, {
      location: 'jfk',
      version,
      at,
      outcome: 'promoted',
      reason: 'It was better.',
      run: version,
    });
  }

  it('writes an index and a page for a place before there is any model', async () => {
    await refresh('2013-12-01T00:05:00Z');
    expect(await getText(local.bucket, keys.pagesIndex)).toContain('No model has earned its place yet');
    expect(await pageOf('jfk')).toContain('No model of this place has become champion yet');
    expect(await getText(local.bucket, keys.index)).toContain('url=pages/index.html');
  });

  it('shows the test of the champion on the page of its place, and all champions before it', async () => {
    await crown(FIRST, '2013-11-24T00:00:00Z');
    await crown(SECOND, '2013-12-01T00:00:00Z');
    await refresh('2013-12-01T00:05:00Z');
    const page = await pageOf('jfk');
    expect(page).toContain(`Model ${SECOND}, champion for 5 minutes`);
    expect(page).toContain(FIRST);
    expect(page).toContain('Confusion matrix');
  });

  it.each([
    ['metrics', () => keys.metrics('jfk', FIRST)],
    ['test forecasts', () => keys.testForecasts('jfk', FIRST)],
    ['the list of forecasts in force', () => keys.latest],
    ['the list of champions', () => keys.champions],
    ['a day of hours', () => keys.hourlyDay('2013-11-23')],
    ['a day of verification', () => keys.verificationDay('2013-11-24')],
    ['a day of agreement', () => keys.agreementDay('2013-11-21')],
    ['the newest day of forecasts', () => keys.forecastHour('2013-11-23', '10')],
  ])('goes without what can not be read, and names it: %s', async (_, key) => {
    await crown(FIRST, '2013-11-24T00:00:00Z');
    await putObject(local.bucket, key(), 'damaged', JSON_TYPE);
    await refresh('2013-11-24T00:05:00Z');
    const pages = `${await pageOf('jfk')}${await getText(local.bucket, keys.pagesIndex)}`;
    expect(pages).toContain(`${key()} can't be read`);
    expect(pages).toContain('champion for 5 minutes');
  });

  it('shows the champion that the ledger has where the pointer is damaged', async () => {
    await crown(FIRST, '2013-11-24T00:00:00Z');
    await putObject(local.bucket, keys.champion('jfk'), '{', JSON_TYPE);
    await refresh('2013-11-24T00:05:00Z');
    const page = await pageOf('jfk');
    expect(page).toContain(keys.champion('jfk'));
    expect(page).toContain('Confusion matrix');
  });

  it('holds every place in the hours that were read once for all', async () => {
    const rows = ['a', 'b'].flatMap((id) =>
      [0, 1].map((hour) => ({
        location_id: id,
        hour: `2013-11-23T0${hour}:00:00Z`,
        temp_c: hour === 0 ? null : 8.5,
        precip_mm: id === 'a' ? 0.5 : hour === 0 ? null : 0,
        rained: id === 'a' ? true : hour === 0 ? null : false,
      })),
    );
    const columns = [
      { name: 'location_id', type: 'string', comment: '' },
      { name: 'hour', type: 'timestamp', comment: '' },
      { name: 'temp_c', type: 'double', comment: '' },
      { name: 'precip_mm', type: 'double', comment: '' },
      { name: 'rained', type: 'boolean', comment: '' },
    ] as const;
    const key = keys.hourlyDay('2013-11-23');
    await putObject(local.bucket, key, encodeParquet(columns, rows), 'application/vnd.apache.parquet');
    const { hours, unreadable } = await readRecentHours(local.bucket, ['b', 'a'], '2013-11-23T02:05:00Z', {
      days: 1,
      withForecasts: false,
    });
    expect(unreadable).toEqual([]);
    expect(hours.of('a').slice(-2)).toEqual([
      expect.objectContaining({
        tempC: null,
        precipMm: 0.5,
        rained: true,
        probability: null,
        willRain: null,
      }),
      expect.objectContaining({ tempC: 8.5, precipMm: 0.5, rained: true }),
    ]);
    expect(hours.of('b').slice(-2)).toEqual([
      expect.objectContaining({ tempC: null, precipMm: null, rained: null }),
      expect.objectContaining({ tempC: 8.5, precipMm: 0, rained: false }),
    ]);
    expect(hours.of('b')).toHaveLength(24);
    expect(hours.of('nowhere')).toEqual([]);
  });
});
