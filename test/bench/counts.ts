import type { Figures } from '../../lib/cost/measured';
import type { LocalGaroa } from '../../lib/scenario/local-garoa';

const WRITES = [
  'PutObject',
  'CopyObject',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'ListObjectsV2',
];
const READS = ['GetObject', 'HeadObject'];

/** Requests that a local cloud counts up by itself, as the bill has them. */
export type Counted = Pick<Figures, 's3Writes' | 's3Reads' | 'statements' | 'events' | 'providerCalls'>;

export function countedSoFar(cloud: LocalGaroa): Counted {
  const counts = cloud.services.callCounts();
  const calls = (service: string, operations: readonly string[]) =>
    operations.reduce((sum, operation) => sum + (counts[`${service}:${operation}`] ?? 0), 0);
  return {
    s3Writes: calls('s3', WRITES),
    s3Reads: calls('s3', READS),
    statements: calls('athena', ['StartQueryExecution']),
    events: cloud.events().length,
    providerCalls: cloud.weather.requests(),
  };
}
