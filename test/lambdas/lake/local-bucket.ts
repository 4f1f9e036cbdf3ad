import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { Bucket } from '../../../lambdas/lake/s3';
import { s3Service } from '../../../lib/local/s3/endpoint';
import { ObjectStore } from '../../../lib/local/s3/object-store';
import type { FaultPlan } from '../../../lib/local/wire/calls';
import { serve } from '../../../lib/local/wire/service-server';
import { ADMINISTRATOR } from '../../lib/local/support';

export interface LocalBucket {
  readonly bucket: Bucket;
  /** The objects behind the service, for putting many in place at once. */
  readonly store: ObjectStore;
  /** Address of the service, for functions that make their own client. */
  readonly url: string;
  close(): Promise<void>;
}

/** An empty bucket `raw` behind S3's own protocol, with the real client in front of it. */
export async function openLocalBucket(faults?: FaultPlan): Promise<LocalBucket> {
  const directory = mkdtempSync(join(tmpdir(), 'garoa-bucket-'));
  const store = new ObjectStore(directory, new Set(['raw']), () => new Date());
  const server = await serve(s3Service(store), {
    callerOf: () => ADMINISTRATOR,
    faults,
    onCrash: () => undefined,
  });
  const client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  return {
    bucket: { client, name: 'raw' },
    store,
    url: server.url,
    async close() {
      client.destroy();
      await server.close();
      rmSync(directory, { recursive: true });
    },
  };
}
