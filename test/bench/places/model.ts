import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as z from 'zod';
import { keys } from '../../../lambdas/lake/layout';
import { type Champions, championsSchema } from '../../../lambdas/model/metrics-file';
import type { LocalGaroa } from '../../../lib/scenario/local-garoa';
import { withPlaces } from './cloud';
import { recordingOf } from './recording';
import { seedHours } from './seed';

/** What retraining left of one place: files as stored. */
const trainedSchema = z.object({
  version: z.string(),
  model: z.string(),
  metrics: z.string(),
  testForecasts: z.base64().transform((text) => Buffer.from(text, 'base64')),
  champion: championsSchema.shape.locations.element,
});
export type TrainedModel = z.infer<typeof trainedSchema>;

/** A place with neighbours, and nothing beside them. */
const PLACES = 4;

/** A model of so many days by the retraining as deployed; kept in `.garoa/bench`, until code or days change. */
export async function trainedModel(days: number, date: string): Promise<TrainedModel> {
  const recording = await recordingOf(PLACES);
  const start = `${date}T00:00:00Z`;
  return withPlaces({ recording, start }, async (cloud, assemblyDirectory) => {
    const file = `.garoa/bench/places-model-${fingerprint(cloud, [days, date])}.json`;
    const kept = stored(file);
    if (kept !== undefined) return kept;
    await seedHours(cloud, { recording, days, date, from: start });
    const id = recording.locations[0]?.id ?? '';
    const machine = cloud.name('stateMachines', '-retrain');
    const execution = await cloud.execute(machine, { locations: [id], reason: 'A model of a year.' });
    if (execution.status !== 'SUCCEEDED') throw new Error(`${assemblyDirectory}: ${execution.cause}`);
    const read = (key: string): Buffer => {
      const [found] = [...cloud.objects('models', key)];
      if (found === undefined) throw new Error(`Retraining left no ${key}`);
      return found.bytes;
    };
    const champions: Champions = championsSchema.parse(JSON.parse(read(keys.champions).toString('utf8')));
    const champion = champions.locations.find(({ location }) => location === id);
    const version = champion?.champion?.version;
    if (version === undefined) throw new Error(`No champion: ${champion?.lastRun?.reason}`);
    const made = {
      version,
      model: read(keys.model(id, version)).toString('utf8'),
      metrics: read(keys.metrics(id, version)).toString('utf8'),
      testForecasts: read(keys.testForecasts(id, version)).toString('base64'),
      champion,
    };
    mkdirSync('.garoa/bench', { recursive: true });
    writeFileSync(file, JSON.stringify(made));
    return trainedSchema.parse(made);
  });
}

/** Of what the model is made by: the bundle's name is the hash of its content. */
function fingerprint(cloud: LocalGaroa, more: readonly unknown[]): string {
  const name = cloud.name('functions', '-retrain');
  const bundle = cloud.resources.functions.find((fn) => fn.name === name)?.assetDirectory ?? '';
  return createHash('sha256')
    .update(JSON.stringify([basename(bundle), ...more]))
    .digest('hex')
    .slice(0, 8);
}

function stored(file: string): TrainedModel | undefined {
  try {
    return trainedSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
