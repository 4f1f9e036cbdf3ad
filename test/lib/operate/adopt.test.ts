import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteBucketPolicyCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { operate } from '../../../lib/operate/main';
import { resourcesOf, synthesise } from '../templates';
import { fakeTerminal } from './terminal';

const PREFIX = 'garoa-prod-data-lake-';
const OLD = ['raw1a-abc', 'processed2b-abc', 'models3c-abc', 'queryresults4d-abc'].map((n) => PREFIX + n);

describe('taking over the buckets of an earlier deployment', () => {
  const s3 = mockClient(S3Client);
  let directory: string;

  beforeEach(() => {
    s3.reset();
    directory = mkdtempSync(join(tmpdir(), 'garoa-adopt-'));
    mkdirSync(join(directory, 'cdk.out'));
    const write = (name: string, content: object): void =>
      writeFileSync(join(directory, 'cdk.out', name), JSON.stringify(content));
    write('manifest.json', {
      artifacts: {
        DataLake: {
          type: 'aws:cloudformation:stack',
          properties: { templateFile: 'lake.json', stackName: 'garoa-prod-data-lake' },
        },
        assets: { type: 'cdk:asset-manifest' },
      },
    });
    const Resources = Object.fromEntries(
      ['Raw1A', 'Processed2B', 'Models3C', 'QueryResults4D'].map((id) => [id, { Type: 'AWS::S3::Bucket' }]),
    );
    write('lake.json', { Resources: { ...Resources, RawPolicy5E: { Type: 'AWS::S3::BucketPolicy' } } });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function adopt(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const terminal = fakeTerminal({ directory });
    const code = await operate(['adopt', '--region', 'us-east-1', ...args], terminal);
    return { code, out: terminal.out(), err: terminal.err() };
  }
  const theBucketsAre = (...names: string[]): unknown =>
    s3.on(ListBucketsCommand).resolves({ Buckets: names.map((Name) => ({ Name })) });
  const mapping = (): unknown => JSON.parse(readFileSync(join(directory, 'adopted-buckets.json'), 'utf8'));

  it('maps each bucket by its logical id, and removes the policies that an import leaves behind', async () => {
    theBucketsAre(...OLD, `${PREFIX}raw1abc-other`, 'somebody-elses');
    const { code, out } = await adopt();
    expect(code).toBe(0);
    expect(out).toContain('npx cdk import DataLake --resource-mapping adopted-buckets.json');
    expect(mapping()).toEqual({
      Raw1A: { BucketName: OLD[0] },
      Processed2B: { BucketName: OLD[1] },
      Models3C: { BucketName: OLD[2] },
      QueryResults4D: { BucketName: OLD[3] },
    });
    const removed = s3.commandCalls(DeleteBucketPolicyCommand).map(({ args: [{ input }] }) => input.Bucket);
    expect(removed).toEqual(OLD);
  });

  it('changes nothing when asked which it would take', async () => {
    theBucketsAre(...OLD);
    expect((await adopt('--dry-run')).out).toContain('Nothing was changed');
    expect(s3.commandCalls(DeleteBucketPolicyCommand)).toEqual([]);
    expect(existsSync(join(directory, 'adopted-buckets.json'))).toBe(false);
  });

  it('takes none when one of the four is gone', async () => {
    theBucketsAre(...OLD.slice(1));
    const { code, err } = await adopt();
    expect({ code, err }).toEqual({
      code: 1,
      err: `No bucket begins with ${PREFIX}raw1a-: all four must be there to be taken over.\n`,
    });
    expect(s3.commandCalls(DeleteBucketPolicyCommand)).toEqual([]);
  });

  it('asks which, where two deployments left buckets, and takes the ones that are named', async () => {
    const older = OLD.map((name) => name.replace('-abc', '-xyz'));
    theBucketsAre(...OLD, ...older);
    expect((await adopt()).err).toMatch(/2 buckets begin with .* with --ending\.\n$/);
    expect((await adopt('--ending', 'xyz')).code).toBe(0);
    expect(mapping()).toMatchObject({ Models3C: { BucketName: older[2] } });
  });

  it('says what is missing where nothing was synthesised, or another stage', async () => {
    expect((await adopt('--stage', 'test')).err).toContain('holds no stack garoa-test-data-lake');
    rmSync(join(directory, 'cdk.out'), { recursive: true });
    expect((await adopt()).err).toContain('run npm run synth first');
  });
});

describe('what stays after a farewell', () => {
  it('is all four buckets with the policies that guard them, and nothing else that README does not name', () => {
    const { dataLake } = synthesise({
      locations: [{ id: 'sao-paulo', name: 'São Paulo', query: 'Sao Paulo', timezone: 'America/Sao_Paulo' }],
    });
    for (const type of ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy']) {
      expect(resourcesOf(dataLake, type).map(({ DeletionPolicy }) => DeletionPolicy)).toEqual([
        'Retain',
        'Retain',
        'Retain',
        'Retain',
      ]);
    }
    const retained = Object.values<unknown>(dataLake.toJSON().Resources).filter((resource) =>
      JSON.stringify(resource).includes('"DeletionPolicy":"Retain"'),
    );
    expect(retained).toHaveLength(8);
  });
});
