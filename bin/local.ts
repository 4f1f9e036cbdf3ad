import { writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { ConfigError, type GaroaConfig } from '../lib/config';
import { readRecording } from '../lib/recorded-weather/observation-file/read';
import { REAL_MANNERS } from '../lib/recorded-weather/weather-api/manners';
import { parseArguments, type RunArguments, USAGE } from '../lib/scenario/arguments';
import { prepareFolder } from '../lib/scenario/folder';
import { localConfig } from '../lib/scenario/local-config';
import type { LocalGaroa } from '../lib/scenario/local-garoa';
import { DEFAULT_RECORDING, forgetRun, saveRun } from '../lib/scenario/saved-run';
import type { ScenarioOptions } from '../lib/scenario/scenario';
import { spanOf } from '../lib/scenario/span';
import { formatSummary } from '../lib/scenario/summary-text';
import { synthesise } from '../lib/scenario/synth';
import { endWhenFatal, wordsOf } from '../lib/terminal/fatal';
import { openInBrowser } from '../lib/terminal/open-in-browser';
import { createProgress } from '../lib/terminal/progress';

/** `npm start`: the application as deployed, on this machine, on a year of recorded weather. */
const DIRECTORY = resolve('.garoa');

let cloud: LocalGaroa | undefined;
const progress = createProgress(process.stdout);

endWhenFatal(process.stderr);
main(process.argv.slice(2)).catch(async (error: unknown) => {
  progress.end('✗');
  await cloud?.close();
  if (error instanceof ConfigError) console.error(`cdk.json: ${error.message}`);
  else console.error(wordsOf(error));
  process.exit(1);
});

async function main(args: readonly string[]): Promise<void> {
  // The SDK warns about Node versions below its next one; the deployed functions run on a later one anyway.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const options = parseArguments(args);
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  const recording = await readRecording(options.observations ?? DEFAULT_RECORDING, options.columns);
  const scenario = {
    recording,
    backfillDays: options.backfillDays,
    liveHours: options.liveHours,
    retrainAtEnd: options.retrainAtEnd,
    faults: options.faults,
    manners: { ...REAL_MANNERS, currentRain: options.currentRain },
  };
  const { firstDay } = spanOf(scenario);
  const config = localConfig(options.provider, recording, firstDay);
  const release = prepareFolder(DIRECTORY, options.keep);
  forgetRun(DIRECTORY);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      release();
      process.stdout.write('\n');
      // Workers are threads of this process and end with it, and so does the synthesis.
      process.exit(signal === 'SIGINT' ? 130 : 143);
    });
  }
  try {
    await run(options, scenario, config);
  } finally {
    release();
  }
}

async function run(options: RunArguments, scenario: ScenarioOptions, config: GaroaConfig): Promise<void> {
  const assemblyDirectory = join(DIRECTORY, 'cdk.out');
  // Loaded only now, so that a mistyped option is told at once.
  const { runScenario } = await import('../lib/scenario/scenario');
  progress.phase('Synth');
  const started = performance.now();
  await synthesise(config, assemblyDirectory);
  const { summary, live } = await runScenario(
    scenario,
    {
      assemblyDirectory,
      directory: DIRECTORY,
      hourlyMinute: config.schedules.hourlyMinute,
      accountConcurrency: config.accountConcurrency,
      synthSeconds: (performance.now() - started) / 1000,
      onStarted: (running) => {
        cloud = running;
      },
    },
    progress,
  );
  writeFileSync(join(DIRECTORY, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  const bucket = (suffix: string): string => join(DIRECTORY, 's3', cloud?.bucket(suffix).name ?? '');
  const models = bucket('models');
  if (cloud !== undefined) {
    const observations = options.observations === undefined ? null : resolve(options.observations);
    saveRun(DIRECTORY, {
      observations,
      columns: options.columns ?? null,
      currentRain: options.currentRain,
      now: cloud.now().toISOString(),
    });
  }
  const here = (path: string): string => relative(process.cwd(), path) || '.';
  const paths = { directory: here(DIRECTORY), models: here(models), lake: here(bucket('processed')) };
  console.log(`\n${formatSummary(summary, live, paths)}`);
  await cloud?.close();
  if (options.open) openInBrowser(join(models, 'index.html'));
}
