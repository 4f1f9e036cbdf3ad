import { keys } from '../../../lambdas/lake/layout';
import { getText, listObjects, putObject } from '../../../lambdas/lake/s3';
import { featureNames } from '../../../lambdas/model/neighbours';
import {
  championAt,
  type PromotionOrder,
  promote,
  readChampion,
  readLedger,
  readPointer,
  versionOf,
} from '../../../lambdas/model/registry';
import type { AwsCall, Fault } from '../../../lib/local/wire/calls';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';
import { modelFile } from './model-file-fixture';

const A = '20131101T000000Z-aaaaaaaa';
const B = '20131108T000000Z-bbbbbbbb';
const C = '20131115T000000Z-cccccccc';

const order = (version: string, at: string, changes: Partial<PromotionOrder> = {}): PromotionOrder => ({
  location: 'ewr',
  version,
  at,
  outcome: 'promoted',
  reason: 'better',
  run: `run-of-${version}`,
  ...changes,
});

describe('the registry', () => {
  let local: LocalBucket;
  let fault: (call: AwsCall) => Fault | undefined;

  beforeEach(async () => {
    fault = () => undefined;
    local = await openLocalBucket((call) => fault(call));
  });
  afterEach(() => local.close());

  const storeModel = (version: string, changes: object = {}) =>
    putObject(
      local.bucket,
      keys.model('ewr', version),
      JSON.stringify({ ...modelFile('ewr', version), ...changes }),
      'application/json',
    );

  it('has no champion before the first promotion', async () => {
    expect(await readChampion(local.bucket, 'ewr')).toEqual({ current: undefined, refused: [] });
    expect(await championAt(local.bucket, 'ewr', '2013-11-02T00:00:00Z')).toBeUndefined();
  });

  it('makes a version champion and writes it into the ledger', async () => {
    await storeModel(A);
    const result = await promote(local.bucket, order(A, '2013-11-01T00:10:00.250Z', { expected: null }));
    expect(result).toMatchObject({
      status: 'promoted',
      entry: { version: A, since: '2013-11-01T00:10:00Z', sequence: 1, previousVersion: null },
    });
    expect((await readChampion(local.bucket, 'ewr')).current?.version).toBe(A);
    const ledger = await listObjects(local.bucket, 'ewr/ledger/');
    expect(ledger.map(({ key }) => key)).toEqual([`ewr/ledger/20131101T001000Z-${A}.json`]);
    expect(await getText(local.bucket, ledger[0]?.key ?? '')).toBe(
      await getText(local.bucket, 'ewr/champion.json'),
    );
  });

  it('answers which version was champion at any time', async () => {
    await promote(local.bucket, order(A, '2013-11-01T00:10:00Z'));
    await promote(local.bucket, order(B, '2013-11-08T00:10:00Z'));
    await promote(local.bucket, order(A, '2013-11-09T12:00:00Z', { outcome: 'restored', run: null }));
    const at = async (time: string) => (await championAt(local.bucket, 'ewr', time))?.version;
    expect(await at('2013-11-01T00:09:59Z')).toBeUndefined();
    expect(await at('2013-11-01T00:10:00Z')).toBe(A);
    expect(await at('2013-11-08T00:09:59.999Z')).toBe(A);
    expect(await at('2013-11-08T00:10:00Z')).toBe(B);
    expect(await at('2013-11-09T12:00:00Z')).toBe(A);
    expect((await readLedger(local.bucket, 'ewr')).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it('keeps the times of promotions in order, even when they were ordered at one instant', async () => {
    for (const version of [A, B, A])
      await promote(local.bucket, order(version, '2013-11-01T00:10:00Z', { run: null }));
    expect((await readLedger(local.bucket, 'ewr')).map(({ version, since }) => [version, since])).toEqual([
      [A, '2013-11-01T00:10:00Z'],
      [B, '2013-11-01T00:10:01Z'],
      [A, '2013-11-01T00:10:02Z'],
    ]);
  });

  it('lets one of many concurrent promotions win, and tells the others so', async () => {
    await promote(local.bucket, order(A, '2013-11-01T00:00:00Z'));
    const { etag } = await readPointer(local.bucket, 'ewr');
    const versions = Array.from({ length: 8 }, (_, i) => `20131108T000000Z-0000000${i}`);
    const results = await Promise.all(
      versions.map((version) =>
        promote(local.bucket, order(version, '2013-11-08T00:00:00Z', { expected: etag })),
      ),
    );
    const winners = results.flatMap((result) => (result.status === 'promoted' ? [result.entry.version] : []));
    expect(winners).toHaveLength(1);
    expect(results.filter(({ status }) => status === 'superseded')).toHaveLength(7);
    expect((await readLedger(local.bucket, 'ewr')).map(({ version }) => version)).toEqual([A, winners[0]]);
  });

  it('carries out every one of many concurrent orders that expect nothing, with a complete ledger', async () => {
    const versions = Array.from({ length: 6 }, (_, i) => `20131108T000000Z-0000000${i}`);
    await Promise.all(
      versions.map((version) => promote(local.bucket, order(version, '2013-11-08T00:00:00Z', { run: null }))),
    );
    const ledger = await readLedger(local.bucket, 'ewr');
    expect(ledger.map(({ version }) => version).sort()).toEqual(versions);
    expect(ledger.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    const pointer = await readPointer(local.bucket, 'ewr');
    expect(pointer.status === 'valid' && pointer.entry).toEqual(ledger.at(-1));
  });

  it('changes nothing when the same run promotes the same version again', async () => {
    const first = await promote(local.bucket, order(A, '2013-11-01T00:00:00Z', { expected: null }));
    const again = await promote(local.bucket, order(A, '2013-11-01T00:07:00Z', { expected: null }));
    expect(again).toEqual(first);
    expect(await readLedger(local.bucket, 'ewr')).toHaveLength(1);
  });

  it("makes one entry of a person's order however often it comes, and another of the next order", async () => {
    const rollback = { outcome: 'restored', run: null } as const;
    await promote(local.bucket, order(A, '2013-11-01T00:00:00Z'));
    const first = await promote(
      local.bucket,
      order(B, '2013-11-08T00:00:00Z', { ...rollback, order: 'one' }),
    );
    await promote(local.bucket, order(A, '2013-11-08T00:01:00Z', { ...rollback, order: 'two' }));
    // The reply to the first order was lost, and the client asks again after somebody else's.
    expect(
      await promote(local.bucket, order(B, '2013-11-08T00:02:00Z', { ...rollback, order: 'one' })),
    ).toEqual(first);
    expect((await readLedger(local.bucket, 'ewr')).map(({ version }) => version)).toEqual([A, B, A]);
    await promote(local.bucket, order(B, '2013-11-08T00:03:00Z', { ...rollback, order: 'three' }));
    expect((await readLedger(local.bucket, 'ewr')).map(({ version }) => version)).toEqual([A, B, A, B]);
  });

  it('completes the ledger after a writer that died between pointer and ledger', async () => {
    fault = ({ operation, subject }) =>
      operation === 'PutObject' && subject.includes('/ledger/') ? { kind: 'serverError' } : undefined;
    await expect(promote(local.bucket, order(A, '2013-11-01T00:00:00Z'))).rejects.toThrow();
    fault = () => undefined;
    expect(await readLedger(local.bucket, 'ewr')).toEqual([]);
    expect(await championAt(local.bucket, 'ewr', '2013-11-02T00:00:00Z')).toMatchObject({ version: A });

    await promote(local.bucket, order(B, '2013-11-08T00:00:00Z'));
    expect((await readLedger(local.bucket, 'ewr')).map(({ version }) => version)).toEqual([A, B]);
  });

  it('forecasts with the champion before, and names what it refused, when the present one is damaged', async () => {
    await storeModel(A);
    await storeModel(B);
    await storeModel(C, { threshold: 'high' });
    for (const [version, day] of [
      [A, '01'],
      [B, '08'],
      [C, '15'],
    ] as const) {
      await promote(local.bucket, order(version, `2013-11-${day}T00:00:00Z`));
    }
    const champion = await readChampion(local.bucket, 'ewr');
    expect(champion.current?.version).toBe(B);
    expect(champion.refused).toEqual([{ version: C, reason: expect.stringContaining('threshold') }]);
  });

  it('refuses a champion of another feature list, with the feature that differs', async () => {
    await storeModel(A, { featureNames: featureNames(0).map((name, i) => (i === 3 ? 'moon_phase' : name)) });
    await promote(local.bucket, order(A, '2013-11-01T00:00:00Z'));
    const champion = await readChampion(local.bucket, 'ewr');
    expect(champion.current).toBeUndefined();
    expect(champion.refused[0]?.reason).toContain('moon_phase');
  });

  it.each([
    ['no JSON', '{"schemaVersion": 1, "loc'],
    ['another shape', '{"version": 5}'],
    [
      "another location's",
      JSON.stringify({
        schemaVersion: 1,
        location: 'jfk',
        version: A,
        since: '2013-11-01T00:00:00Z',
        sequence: 1,
        outcome: 'promoted',
        reason: '',
        run: null,
        previousVersion: null,
      }),
    ],
  ])('falls back to the ledger when champion.json is %s, and can be promoted over', async (_, text) => {
    await storeModel(A);
    await promote(local.bucket, order(A, '2013-11-01T00:00:00Z'));
    await putObject(local.bucket, 'ewr/champion.json', text, 'application/json');
    const champion = await readChampion(local.bucket, 'ewr');
    expect(champion.current?.version).toBe(A);
    expect(champion.refused[0]?.version).toBe('champion.json');

    const { etag } = await readPointer(local.bucket, 'ewr');
    const result = await promote(local.bucket, order(B, '2013-11-08T00:00:00Z', { expected: etag }));
    expect(result).toMatchObject({ status: 'promoted', entry: { sequence: 2, previousVersion: A } });
  });

  it('drops a promotion whose champion is not the one it was decided against', async () => {
    await promote(local.bucket, order(A, '2013-11-01T00:00:00Z'));
    expect(await promote(local.bucket, order(B, '2013-11-08T00:00:00Z', { expected: null }))).toEqual({
      status: 'superseded',
      champion: A,
    });
    expect((await readLedger(local.bucket, 'ewr')).map(({ version }) => version)).toEqual([A]);
  });

  it('leaves out of the ledger what no promotion wrote', async () => {
    await promote(local.bucket, order(A, '2013-11-01T00:00:00Z'));
    await putObject(local.bucket, 'ewr/ledger/20131102T000000Z-x.json', 'scribble', 'text/plain');
    expect(await readLedger(local.bucket, 'ewr')).toHaveLength(1);
  });
});

describe('a version', () => {
  it('names the instant and the content, and sorts by time', () => {
    expect(versionOf('2013-12-01T00:00:00Z', '0123456789abcdef')).toBe('20131201T000000Z-01234567');
  });
});
