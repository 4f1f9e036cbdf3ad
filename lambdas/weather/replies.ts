import * as z from 'zod';
import { utcSecond } from '../runtime/time';
import { ProviderError } from './provider-error';

/** A JSON object, its fields yet to be looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws ProviderError `malformed` that names the fields which depart from the schema, at most three. */
export function readReply<T extends z.ZodType>(schema: T, body: unknown, what: string): z.infer<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, 3);
  const text = places.map(({ path, message }) => `${path.join('.') || 'the reply'}: ${message}`).join('; ');
  throw new ProviderError('malformed', `${what}: ${text}`);
}

/** Whether a reply is no answer: a status that says so, or an error in the body under whatever status. */
export function isRefusal(status: number, body: unknown): boolean {
  const ok = status >= 200 && status < 300;
  return !ok || (typeof body === 'object' && body !== null && 'error' in body && Boolean(body.error));
}

/** Longer than any error that a person wrote: what goes into logs and dead letters is bounded. */
const LONGEST_SAID = 300;

/** What an error says of itself; nothing where that is no text. */
export const saidText = z
  .string()
  .trim()
  .transform((text) => text.slice(0, LONGEST_SAID))
  .catch('');

const textError = z.object({ error: saidText, message: saidText });

/** The words of an error in nobody's documented form, as what stands before a provider may send it. */
export function errorText(body: unknown): string {
  const { data } = textError.safeParse(body);
  return data?.error || data?.message || '';
}

const NUMBER = /^\s*[+-]?\d+(\.\d*)?(e[+-]?\d+)?\s*$/i;

/** The finite number that a field holds, as a number or as text; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** A number, also when it comes as text. */
export const numeric = z.preprocess((value) => numberOf(value) ?? value, z.number());

/** Minutes taken for seconds are of the year 1970. */
const EARLIEST_SECONDS = Date.UTC(1971, 0) / 1_000;

export const epochSeconds = z.preprocess(
  (value) => {
    const number = numberOf(value);
    return number === undefined ? value : Math.floor(number);
  },
  z.int().min(EARLIEST_SECONDS, 'no time in seconds since 1970'),
);

/** How far the clocks of a provider and of the function may differ. */
const CLOCK_TOLERANCE_MS = 15 * 60_000;

/**
 * The instant of a reading, ISO 8601 UTC.
 * @param now milliseconds since the epoch.
 * @throws ProviderError `malformed` when it lies in the future, as milliseconds taken for seconds do.
 */
export function instantOfReading(epoch: number, now: number, what: string): string {
  if (epoch * 1_000 <= now + CLOCK_TOLERANCE_MS) return utcSecond(epoch * 1_000);
  throw new ProviderError('malformed', `${what}: the reading's time ${epoch} lies beyond the clock`);
}

/** Reads measurements by the provider's field names, counting what turns out to be no number. */
export interface MeasurementReader {
  /** Null when the field is absent, null or no number. */
  number(field: string): number | null;
  /** Fields that held something other than a number. */
  drifted(): number;
}

/** One changed field does not cost the others. */
export function measurementReader(part: JsonObject): MeasurementReader {
  let drifted = 0;
  return {
    number(field) {
      const value = part[field];
      if (value === undefined || value === null) return null;
      const number = numberOf(value);
      if (number === undefined) drifted++;
      return number ?? null;
    },
    drifted: () => drifted,
  };
}
