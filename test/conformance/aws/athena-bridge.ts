import { createServer, type IncomingMessage } from 'node:http';
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { readAssembly } from '../../../lib/local/assembly/assembly';
import { type AwsEndpoints, startAwsEndpoints } from '../../../lib/local/endpoints';
import { ADMINISTRATOR_KEY } from '../../../lib/local/iam/identities';

export interface AthenaBridge {
  /** Where functions find Athena: before `open` nobody answers there. */
  readonly url: string;
  /**
   * Begins to answer for a deployment.
   * @param assembly its templates, with the buckets' deployed names
   * @param s3 client of the emulator's S3
   */
  open(assembly: string, directory: string, s3: S3Client): Promise<void>;
  close(): Promise<void>;
}

const READERS = 16;

/**
 * Garoa's own Athena in front of another S3, since the emulator's can't run what the functions ask: before a query
 * the buckets are copied to the local cloud's, and what the query wrote goes back before anybody hears of its success.
 */
export async function startAthenaBridge(): Promise<AthenaBridge> {
  let cloud: AwsEndpoints | undefined;
  let mirror: Mirror | undefined;
  const answer = async (request: IncomingMessage): Promise<Response> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (cloud === undefined || mirror === undefined) throw new Error('Nothing is deployed yet.');
    const target = String(request.headers['x-amz-target']);
    if (target.endsWith('.StartQueryExecution')) await mirror.fetchChanges();
    const response = await fetch(cloud.environment.AWS_ENDPOINT_URL_ATHENA ?? '', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': target,
        authorization: `Credential=${ADMINISTRATOR_KEY}/`,
      },
      body: Buffer.concat(chunks),
    });
    if (target.endsWith('.GetQueryExecution')) await mirror.sendResults();
    return response;
  };
  const server = createServer((request, response) => {
    answer(request).then(
      async (reply) => {
        response.writeHead(reply.status, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(await reply.text());
      },
      (error: unknown) => {
        // A schedule's own run may be at work when the check ends: what comes of it is nobody's.
        if (server.listening) console.error(error);
        response.writeHead(500).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async open(assembly, directory, s3) {
      await cloud?.close();
      const resources = readAssembly(assembly);
      cloud = await startAwsEndpoints({
        resources,
        directory,
        now: () => new Date(),
        onCrash: () => undefined,
      });
      mirror = new Mirror(
        s3,
        cloud.objects,
        resources.buckets.map(({ name }) => name),
      );
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await cloud?.close();
    },
  };
}

/** Keeps the local cloud's buckets as those of the emulator are. One thing at a time. */
class Mirror {
  private readonly alone = pLimit(1);
  /** `bucket/key` of what is on both sides. */
  private readonly shared = new Set<string>();

  constructor(
    private readonly s3: S3Client,
    private readonly local: AwsEndpoints['objects'],
    private readonly buckets: readonly string[],
  ) {}

  fetchChanges(): Promise<void> {
    return this.alone(async () => {
      for (const Bucket of this.buckets) await this.fetchBucket(Bucket);
    });
  }

  /** What the local side has written since. */
  sendResults(): Promise<void> {
    return this.alone(async () => {
      for (const Bucket of this.buckets) {
        for (const { key } of this.local.files(Bucket, '')) {
          const object = this.local.head(Bucket, key);
          if (object === undefined || this.shared.has(`${Bucket}/${key}`)) continue;
          const Body = this.local.read(object);
          await this.s3.send(new PutObjectCommand({ Bucket, Key: key, Body }));
          this.shared.add(`${Bucket}/${key}`);
        }
      }
    });
  }

  private async fetchBucket(Bucket: string): Promise<void> {
    const found = new Set<string>();
    const changed: string[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client: this.s3 }, { Bucket })) {
      for (const { Key = '', ETag } of Contents) {
        found.add(Key);
        if (this.local.head(Bucket, Key)?.etag !== ETag) changed.push(Key);
      }
    }
    for (const { key } of this.local.files(Bucket, '')) {
      if (!found.has(key) && this.shared.delete(`${Bucket}/${key}`)) this.local.delete(Bucket, key);
    }
    const read = pLimit(READERS);
    await read.map(changed, async (Key) => {
      const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key }));
      this.local.put(Bucket, Key, Buffer.from((await Body?.transformToByteArray()) ?? []));
    });
    for (const key of found) this.shared.add(`${Bucket}/${key}`);
  }
}
