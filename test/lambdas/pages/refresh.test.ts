import { keys } from '../../../lambdas/lake/layout';
import { encodeParquet } from '../../../lambdas/lake/parquet';
import { getText, putObject } from '../../../lambdas/lake/s3';
import { promote } from '../../../lambdas/model/registry';
import { refreshPages } from '../../../lambdas/pages/refresh';
import { utcSecond } from '../../../lambdas/runtime/time';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';
import { modelFile } from '../model/model-file-fixture';
import { aLocation, aModelPage, testForecasts } from './content';

const FIRST = '20131124T000000Z-aaaaaaaa';
const SECOND = '20131201T000000Z-bbbbbbbb';
const JSON_TYPE = 'application/json';

describe('refreshing the pages', () => {
  let local: LocalBucket;
  beforeEach(async () => {
    local = await openLocalBucket();
  });
  afterEach(() => local.close());

  const refresh = (at: string): Promise<void> =>
    refreshPages({ locations: [aLocation()], processed: local.bucket, models: local.bucket }, at, {
      withModelPages: true,
    });
  const pageOf = (version: string): Promise<string | undefined> =>
    getText(local.bucket, keys.report('jfk', version));

  async function crown(version: string, at: string): Promise<void> {
    const put = (key: string, value: object) =>
      putObject(local.bucket, key, JSON.stringify(value), JSON_TYPE);
    await put(keys.metrics('jfk', version), { ...aModelPage().metrics, version });
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

  it('writes an index before there is any model, and no other page', async () => {
    await refresh('2013-12-01T00:05:00Z');
    expect(await getText(local.bucket, keys.index)).toContain('No model has earned its place yet');
    expect(await pageOf(FIRST)).toBeUndefined();
  });

  it('tells the page of a version that was succeeded so, for two days, and then leaves it alone', async () => {
    await crown(FIRST, '2013-11-24T00:00:00Z');
    await refresh('2013-11-24T00:05:00Z');
    await crown(SECOND, '2013-12-01T00:00:00Z');
    await refresh('2013-12-01T00:05:00Z');
    const succeeded = await pageOf(FIRST);
    expect(succeeded).toContain(`then succeeded by ${SECOND}`);
    expect(await pageOf(SECOND)).toContain('champion for 5 minutes');
    await refresh('2013-12-05T00:05:00Z');
    expect(await pageOf(FIRST)).toBe(succeeded);
    expect(await pageOf(SECOND)).toContain('champion for 4 days');
  });

  it('does not fail for a version before that this code cannot read: its page stays as it was', async () => {
    await crown(FIRST, '2013-11-24T00:00:00Z');
    await refresh('2013-11-24T00:05:00Z');
    const before = await pageOf(FIRST);
    await crown(SECOND, '2013-12-01T00:00:00Z');
    await putObject(local.bucket, keys.model('jfk', FIRST), '{"schemaVersion":0}', JSON_TYPE);
    await refresh('2013-12-01T00:05:00Z');
    expect(await pageOf(FIRST)).toBe(before);
    expect(await pageOf(SECOND)).toContain('<svg');
  });

  it('names the place whose champion cannot be shown, after the index is written', async () => {
    await crown(FIRST, '2013-11-24T00:00:00Z');
    await putObject(local.bucket, keys.metrics('jfk', FIRST), '{}', JSON_TYPE);
    await expect(refresh('2013-11-24T00:05:00Z')).rejects.toThrow('The report of jfk could not be made');
    expect(await getText(local.bucket, keys.index)).toContain('JFK');
  });
});
