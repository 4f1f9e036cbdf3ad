import * as z from 'zod';
import { BadArguments } from '../terminal/arguments';

const date = z.iso.date();
const instant = z.iso.datetime({ offset: true });

/** @throws BadArguments when it is no day of the calendar. */
export function dateOf(option: string, text: string): string {
  if (!date.safeParse(text).success) {
    throw new BadArguments(`--${option} needs a UTC day such as 2026-11-23, not "${text}".`);
  }
  return text;
}

/** @throws BadArguments when it is no instant with its offset. */
export function instantOf(option: string, text: string): string {
  if (!instant.safeParse(text).success) {
    throw new BadArguments(`--${option} needs an instant such as 2026-11-23T10:00:00Z, not "${text}".`);
  }
  return new Date(text).toISOString();
}

/** Ids from a list with commas, each once; undefined stands for all. */
export function locationsOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const ids = text.split(',').map((id) => id.trim());
  if (ids.includes('')) {
    throw new BadArguments(`--locations needs ids with commas between them, not "${text}".`);
  }
  return [...new Set(ids)];
}

const LONGEST_REASON = 500;

/** Why something was ordered, as ledger and evaluations keep it. */
export function reasonOf(text: string | undefined): string | undefined {
  if (text !== undefined && text.length > LONGEST_REASON) {
    throw new BadArguments(
      `--reason holds ${LONGEST_REASON} characters at most; this one has ${text.length}.`,
    );
  }
  return text;
}
