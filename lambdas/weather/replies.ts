import type * as z from 'zod';
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

/** Reads measurements by the provider's field names, counting what turns out to be no number. */
export interface MeasurementReader {
  /** Null when the field is absent or null. */
  number(field: string): number | null;
  drifted(): number;
}

/**
 * Anything but a finite number, null or nothing is a departure from what the provider documents: refused at first,
 * since a damaged reply comes right when it is asked for again; null when `lenient`, so that one changed field does
 * not cost the others.
 */
export function measurementReader(part: JsonObject, lenient: boolean, what: string): MeasurementReader {
  let drifted = 0;
  return {
    number(field) {
      const value = part[field];
      if (value === undefined || value === null) return null;
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      if (!lenient) throw new ProviderError('malformed', `${what}: ${field} is no number`);
      drifted++;
      return null;
    },
    drifted: () => drifted,
  };
}
