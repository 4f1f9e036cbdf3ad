import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** What one run of a kind does: means over the runs that were measured. */
const figuresSchema = z.strictObject({
  invocations: z.number(),
  /** Processor time of everything that ran on this machine meanwhile, Athena's and S3's stand-ins included. */
  cpuMs: z.number(),
  s3Writes: z.number(),
  s3Reads: z.number(),
  providerCalls: z.number(),
  statements: z.number(),
  /** Bytes that Athena read beyond the minimum that it bills for each statement. */
  bytesBeyondMinimum: z.number(),
  events: z.number(),
  transitions: z.number(),
  logBytes: z.number(),
  /** What stays in the lake. */
  storedBytes: z.number(),
});
export type Figures = z.infer<typeof figuresSchema>;
export type Figure = keyof Figures;

const KINDS = ['poll', 'hourly', 'upkeep', 'retrain'] as const;
const kindSchema = z.enum(KINDS);
export type Kind = z.infer<typeof kindSchema>;

const measuredSchema = z.strictObject({
  /** Day of the measurement. */
  date: z.iso.date(),
  /** Days of history that the retraining had. */
  historyDays: z.number(),
  /** A run costs what is fixed, and what each place adds. */
  runs: z.record(kindSchema, z.strictObject({ fixed: figuresSchema, perPlace: figuresSchema })),
});
export type Measured = z.infer<typeof measuredSchema>;

/** The file that `npm run bench -- cost` writes. */
export const MEASURED_FILE = 'lib/cost/measured.json';

export function readMeasured(root: string): Measured {
  return measuredSchema.parse(JSON.parse(readFileSync(join(root, MEASURED_FILE), 'utf8')));
}
