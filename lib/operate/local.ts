import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readRecording } from '../recorded-weather/observation-file/read';
import { REAL_MANNERS } from '../recorded-weather/weather-api/manners';
import { prepareFolder } from '../scenario/folder';
import { type LocalGaroa, startLocalGaroa } from '../scenario/local-garoa';
import { DEFAULT_RECORDING, NoRun, readRun, saveRun } from '../scenario/saved-run';
import { type Access, clientsFor } from './access';

/** A look at an execution comes this soon, in milliseconds: work here takes real time, waiting takes none. */
const LOOK_EVERY_MS = 100;

/** The way to the services of a local cloud that runs in this process. */
export interface LocalAccess extends Access {
  /** Lets virtual time go on as long as anything waits for it. */
  live(): Promise<void>;
}

export function accessToLocal(cloud: LocalGaroa): LocalAccess {
  const { environment } = cloud.services;
  const hourly = cloud.name('functions', '-hourly');
  // One at a time may move the clock: whoever asks meanwhile waits for the same.
  let living: Promise<void> | undefined;
  const live = (): Promise<void> => {
    living ??= cloud.settle().finally(() => {
      living = undefined;
    });
    return living;
  };
  return {
    stage: hourly.replace(/^garoa-/, '').replace(/-hourly$/, ''),
    ...clientsFor((service) => ({
      endpoint: environment[`AWS_ENDPOINT_URL_${service}`] ?? '',
      region: environment.AWS_REGION ?? '',
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
      },
    })),
    sqs: undefined,
    now: () => cloud.now(),
    pause: () => Promise.race([live(), delay(LOOK_EVERY_MS)]),
    isVirtual: true,
    hasConsole: false,
    live,
  };
}

/**
 * Opens what `npm start` left in the folder and goes on where it ended: same application, same objects, and the
 * virtual clock stands where it stood. Schedules do not fire meanwhile.
 * @throws NoRun when there is no finished run; FolderRefused when another process is at work in the folder.
 */
export async function openLocalRun(
  directory: string,
): Promise<{ readonly access: Access; close(): Promise<void> }> {
  if (!existsSync(directory)) {
    throw new NoRun(`There is no local run in ${directory}: make one with npm start.`);
  }
  const release = prepareFolder(directory, true);
  try {
    const run = readRun(directory);
    const assemblyDirectory = join(directory, 'cdk.out');
    if (!existsSync(join(assemblyDirectory, 'manifest.json'))) {
      throw new NoRun(
        `The run in ${directory} has lost its application (cdk.out): make a new one with npm start.`,
      );
    }
    const cloud = await startLocalGaroa({
      assemblyDirectory,
      directory,
      recording: await readRecording(run.observations ?? DEFAULT_RECORDING, run.columns ?? undefined),
      manners: { ...REAL_MANNERS, currentRain: run.currentRain },
      start: new Date(run.now),
    });
    const access = accessToLocal(cloud);
    return {
      access,
      async close() {
        try {
          // What the command set off comes to its end: an event that a rule answers, a retry that waits.
          await access.live();
          saveRun(directory, { ...run, now: cloud.now().toISOString() });
          await cloud.close();
        } finally {
          release();
        }
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}
