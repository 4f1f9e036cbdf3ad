import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseConfig } from '../lib/config';
import { readRecording } from '../lib/recorded-weather/observation-file/read';
import { findings } from '../lib/scenario/audit';
import { prepareFolder } from '../lib/scenario/folder';
import { DEFAULT_RECORDING } from '../lib/scenario/saved-run';
import { soak } from '../lib/scenario/soak';
import { parseSoakArguments, SOAK_USAGE } from '../lib/scenario/soak-arguments';
import { synthesise } from '../lib/scenario/synth';
import { createProgress } from '../lib/terminal/progress';
import { Refusal } from '../lib/terminal/refusal';

/** `npm run soak`: a month of faults, and an audit in numbers. */
const DIRECTORY = resolve('.garoa-soak');
const POLL_EVERY_MINUTES = 60;

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Refusal ? error.message : error);
  process.exit(1);
});

async function main(args: readonly string[]): Promise<void> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const options = parseSoakArguments(args);
  if (options.help) {
    process.stdout.write(SOAK_USAGE);
    return;
  }
  const all = await readRecording(DEFAULT_RECORDING);
  const recording = { ...all, locations: all.locations.slice(0, options.places) };
  const config = parseConfig({
    plan: 'business',
    firstDay: new Date(recording.from * 1000).toISOString().slice(0, 10),
    locations: recording.locations.map((location) => ({ ...location, pollEveryMinutes: POLL_EVERY_MINUTES })),
    training: { candidates: 2 },
  });
  let isStopped = false;
  process.once('SIGINT', () => {
    isStopped = true;
  });
  const closing: { close(): Promise<void> }[] = [];
  const release = prepareFolder(DIRECTORY, false);
  try {
    const assemblyDirectory = join(DIRECTORY, 'cdk.out');
    mkdirSync(assemblyDirectory, { recursive: true });
    const progress = createProgress(process.stdout);
    progress.phase('Synth');
    await synthesise(config, assemblyDirectory);
    const found = await soak(
      {
        recording,
        assemblyDirectory,
        directory: DIRECTORY,
        hourlyMinute: config.schedules.hourlyMinute,
        historyDays: options.historyDays,
        days: options.days,
        rate: options.rate,
        seed: options.seed,
        isStopped: () => isStopped,
        onStarted: (cloud) => closing.push(cloud),
      },
      progress,
    );
    writeFileSync(join(DIRECTORY, 'audit.json'), `${JSON.stringify(found, null, 2)}\n`);
    console.log(JSON.stringify(found, null, 2));
    const problems = findings(found);
    console.log(problems.length === 0 ? 'Nothing is lost, twice or unexplained.' : problems.join('\n'));
    process.exitCode = problems.length === 0 ? 0 : 1;
  } finally {
    await Promise.all(closing.map((cloud) => cloud.close()));
    release();
  }
}
