import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { ComparedResult } from './compare';
import { printed } from './compare';
import { Unavailable } from './unavailable';

/** What an engine says to a query: its rows as text, or why it has none. */
export type Answer = readonly string[] | { readonly error: string };

export const ANSWERS_FILE = join(__dirname, 'captured', 'json-answers.json');

/** What Trino said to each JSON case when it was last asked, by the case's name. */
export function storedAnswers(): Readonly<Record<string, Answer>> {
  return z
    .record(z.string(), z.union([z.array(z.string()), z.object({ error: z.string() })]))
    .parse(JSON.parse(readFileSync(ANSWERS_FILE, 'utf8')));
}

export async function answerOf(result: Promise<ComparedResult>): Promise<Answer> {
  try {
    const { rows } = await result;
    return rows.map((row) => row.map(printed).join(', '));
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
