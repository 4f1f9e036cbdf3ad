import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { garoaApp } from '../../../lib/app';
import { parseConfig } from '../../../lib/config';
import type { InvocationRecord } from '../../../lib/local/cloud';
import { type LocalGaroa, startLocalGaroa } from '../../../lib/scenario/local-garoa';
import type { PlacesRecording } from './recording';

/** Executions of functions that the account may run at once: those of a new one. */
export const ACCOUNT_CONCURRENCY = 10;

/** A busy machine is no failure; what functions took is held against their limits as deployed. */
const PATIENCE = 4;

/** Runs the application as deployed for the places of a recording, and removes all of it afterwards. */
export async function withPlaces<T>(
  options: {
    readonly recording: PlacesRecording;
    readonly start: string;
    readonly windowDays?: number;
    readonly onInvocation?: (record: InvocationRecord) => void;
  },
  work: (cloud: LocalGaroa, assemblyDirectory: string) => Promise<T>,
): Promise<T> {
  const { recording, start, windowDays, onInvocation } = options;
  const directory = mkdtempSync(join(tmpdir(), 'garoa-places-'));
  const assemblyDirectory = join(directory, 'cdk.out');
  let cloud: LocalGaroa | undefined;
  try {
    const config = parseConfig({
      plan: 'business',
      locations: [...recording.locations],
      firstDay: '2013-01-01',
      accountConcurrency: ACCOUNT_CONCURRENCY,
      ...(windowDays !== undefined && { training: { windowDays } }),
    });
    // In this process: thousands of places are more than a variable of another one's environment takes.
    garoaApp({ config, outdir: assemblyDirectory }).synth();
    cloud = await startLocalGaroa({
      assemblyDirectory,
      directory,
      recording,
      start: new Date(start),
      accountConcurrency: ACCOUNT_CONCURRENCY,
      patience: PATIENCE,
      ...(onInvocation !== undefined && { onInvocation }),
    });
    return await work(cloud, assemblyDirectory);
  } finally {
    await cloud?.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
