import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';
import { messageOf } from '../runtime/errors';
import { utcSecondSchema } from '../runtime/time';
import { OBSERVATIONS } from './layout';

/** What a raw object holds. */
export interface RawContent {
  /** Lines that the engine and this project can read, as they were. */
  readonly lines: readonly string[];
  /** One thing that is wrong with the object; undefined for one that is whole. */
  readonly damage: string | undefined;
}

/** Athena ignores names that begin with `_` or `.`, so they can't damage a day. */
export function isPassedOver(key: string): boolean {
  return /(^|\/)[_.][^/]*$/.test(key);
}

/** Columns may be absent, as in lines of before they were there; what is there must be of its column's type. */
const lineSchema = z.looseObject({
  ...Object.fromEntries(
    OBSERVATIONS.columns.map(({ name, type }) => [
      name,
      type === 'string' ? z.string().nullish() : z.number().nullish(),
    ]),
  ),
  location_id: z.string().min(1),
  observed_at: utcSecondSchema,
});

/**
 * Reads one raw object as far as it can be read: a gzip that breaks off gives the lines before, and a bad line costs
 * no other one.
 */
export async function readRawObject(bytes: Uint8Array): Promise<RawContent> {
  const { text, damage } = await inflated(bytes);
  const parts = text.split('\n');
  // Of a stream that broke off, the last line is a part of one.
  if (damage !== undefined) parts.pop();
  const lines: string[] = [];
  let first = damage;
  for (const [index, line] of parts.entries()) {
    if (line === '') continue;
    const reason = wrongWith(line);
    if (reason === undefined) lines.push(line);
    else first ??= `line ${index + 1}: ${reason}`;
  }
  return { lines, damage: first ?? (lines.length === 0 ? 'no line is in it' : undefined) };
}

async function inflated(
  bytes: Uint8Array,
): Promise<{ readonly text: string; readonly damage: string | undefined }> {
  const chunks: Buffer[] = [];
  let damage: string | undefined;
  try {
    for await (const chunk of Readable.from([Buffer.from(bytes)]).pipe(createGunzip())) {
      chunks.push(z.instanceof(Buffer).parse(chunk));
    }
  } catch (error) {
    damage = `no whole gzip: ${messageOf(error)}`;
  }
  return { text: Buffer.concat(chunks).toString('utf8'), damage };
}

function wrongWith(line: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return 'no JSON';
  }
  const checked = lineSchema.safeParse(parsed);
  const issue = checked.error?.issues[0];
  return issue && `${issue.path.join('.')}: ${issue.message}`;
}
