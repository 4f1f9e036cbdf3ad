import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { SETTINGS_FILE } from '../../lambdas/settings';
import { type GaroaConfig, settingsOf } from '../../lib/config';
import { projectRoot } from '../../lib/project-root';
import { synthesise as synthesiseAll } from '../../lib/scenario/synth';

const assetsSchema = z.looseObject({
  files: z.record(
    z.string(),
    z.looseObject({ displayName: z.string(), source: z.looseObject({ path: z.string() }) }),
  ),
});
type Assets = z.infer<typeof assetsSchema>;

/**
 * The application for a configuration, as `cdk deploy` would ship it. Bundles take longer than templates, and only the
 * settings beside them depend on the configuration: the first file of a run makes them for all others.
 */
export async function synthesise(config: GaroaConfig, outdir: string): Promise<void> {
  const bundles = await sharedBundles(config);
  await synthesiseAll(config, outdir, { 'aws:cdk:bundling-stacks': [] });
  const assets = readAssets(outdir);
  for (const [hash, { displayName, source }] of Object.entries(assets.files)) {
    // What was not bundled is the whole project.
    if (source.path !== projectRoot) continue;
    const bundle = bundles.get(displayName);
    if (bundle === undefined) throw new Error(`No bundle is called ${displayName}.`);
    source.path = `asset.${hash}`;
    cpSync(bundle, join(outdir, source.path), { recursive: true });
    writeFileSync(join(outdir, source.path, SETTINGS_FILE), JSON.stringify(settingsOf(config)));
  }
  writeFileSync(assetsFile(outdir), JSON.stringify(assets));
}

/** Folders with the bundles of the functions, by the names of their assets. */
async function sharedBundles(config: GaroaConfig): Promise<ReadonlyMap<string, string>> {
  const { GAROA_TEST_RUN: run = '' } = process.env;
  const made = join(run, 'bundled');
  while (!existsSync(made)) {
    if (isFirst(join(run, 'bundling'))) await makeBundles(config, run, made);
    else await sleep(50);
  }
  return new Map(
    Object.values(readAssets(made).files).map(({ displayName, source }) => [
      displayName,
      join(made, source.path),
    ]),
  );
}

async function makeBundles(config: GaroaConfig, run: string, made: string): Promise<void> {
  const making = join(run, 'cdk.out');
  try {
    await synthesiseAll(config, making);
    renameSync(making, made);
  } catch (error) {
    // Who waits meets the error as well, and not the guard against hanging.
    rmdirSync(join(run, 'bundling'));
    throw error;
  }
}

function isFirst(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    return false;
  }
}

/** Where the CDK names the assets of the stack with the functions. */
const assetsFile = (directory: string): string => join(directory, 'Pipeline.assets.json');

function readAssets(directory: string): Assets {
  return assetsSchema.parse(JSON.parse(readFileSync(assetsFile(directory), 'utf8')));
}
