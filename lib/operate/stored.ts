import * as z from 'zod';
import { type Bucket, getText } from '../../lambdas/lake/s3';
import { Refusal } from '../terminal/refusal';

/** A stored file is not what this code knows; the message names it. */
export class FileDamaged extends Refusal {
  override readonly name = 'FileDamaged';
}

/**
 * A file of the models bucket; undefined when there is none.
 * @throws FileDamaged
 */
export async function storedJson<T>(
  bucket: Bucket,
  key: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const text = await getText(bucket, key);
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const reason = z.prettifyError(parsed.error).split('\n')[0];
  throw new FileDamaged(`${key} in ${bucket.name} is damaged or of another version: ${reason}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
