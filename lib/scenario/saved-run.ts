import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { projectRoot } from '../project-root';
import { CURRENT_RAIN } from '../recorded-weather/weather-api/manners';
import { Refusal } from '../terminal/refusal';

/** The recording that is replayed unless a run names another. */
export const DEFAULT_RECORDING = join(
  projectRoot,
  'lib',
  'recorded-weather',
  'recordings',
  'nyc-2013.csv.gz',
);

/** Beside what lies in the folder of a run, all that it takes to go on with it. */
const savedRunSchema = z.object({
  /** Path of the recording; null for the one that comes with the project, wherever the project lies by now. */
  observations: z.string().nullable(),
  /** What `--columns` said of its columns; null when it said nothing. */
  columns: z.string().nullable(),
  /** What the weather API's current precipitation speaks of. */
  currentRain: z.enum(CURRENT_RAIN),
  /** Virtual time at which the run stands. */
  now: z.iso.datetime(),
});
export type SavedRun = z.infer<typeof savedRunSchema>;

const FILE = 'run.json';

/** There is nothing to go on with; the message says how to make it. */
export class NoRun extends Refusal {
  override readonly name = 'NoRun';
}

/** Written once a run has come to its end. */
export function saveRun(directory: string, run: SavedRun): void {
  writeFileSync(join(directory, FILE), `${JSON.stringify(run, null, 2)}\n`);
}

/** Nothing can be said of where a run stands while it is under way. */
export function forgetRun(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}

/** @throws NoRun when no run has come to its end in the folder. */
export function readRun(directory: string): SavedRun {
  const file = join(directory, FILE);
  if (!existsSync(file)) {
    throw new NoRun(`There is no finished run in ${directory}: make one with npm start.`);
  }
  const parsed = savedRunSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new NoRun(`${file} is damaged: make a new run with npm start.`);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
