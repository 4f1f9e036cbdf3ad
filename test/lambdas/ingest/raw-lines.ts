import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { type Bucket, getObject, listObjects } from '../../../lambdas/lake/s3';
import { observationSchema } from '../../../lambdas/weather/observation';

const lineSchema = observationSchema.extend({ payload: z.unknown() }).strict();
export type Line = z.infer<typeof lineSchema>;

/** Every line of the bucket by object key; each must have the columns of an observation and a payload, no more. */
export async function rawLines(bucket: Bucket, prefix = ''): Promise<Map<string, Line[]>> {
  const found = new Map<string, Line[]>();
  for (const { key } of await listObjects(bucket, prefix)) {
    const stored = await getObject(bucket, key);
    const text = gunzipSync(stored?.bytes ?? new Uint8Array()).toString('utf8');
    const lines = text.trimEnd().split('\n');
    found.set(
      key,
      lines.map((line) => lineSchema.parse(JSON.parse(line))),
    );
  }
  return found;
}
