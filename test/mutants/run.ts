import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { garoaApp } from '../../lib/app';
import { parseConfig } from '../../lib/config';
import { readCloudAssembly } from '../../lib/local/assembly/cloud-assembly';
import { seededRandom } from '../../lib/local/random';
import { wordsOf } from '../../lib/terminal/fatal';
import { Refusal } from '../../lib/terminal/refusal';
import { type Edit, editsOf } from './edits';
import { findingsOf, groundOf, judge } from './judge';
import { SURVIVORS } from './survivors';

const USAGE = `Usage: npm run mutants -- [--sample SECONDS] [--seed TEXT] [--only TEXT] [--verbose]

Edits the synthesised templates, one place at a time, and tells which edits nothing shows: no relation between the
parts, no alarm that rings or doesn't, no run that fails. Each of these must be in test/mutants/survivors.ts with its
reason, and no other.

  --sample SECONDS  stop after so long; edits come in an order of their own
  --seed TEXT       another order ("garoa")
  --only TEXT       edits whose names hold this text
  --verbose         also say what shows each edit`;

/** Everything that an owner may decide is decided, so that it can be edited. */
const CONFIG = parseConfig({
  stage: 'dev',
  plan: 'business',
  locations: ['ewr', 'jfk', 'lga'].map((id, index) => ({
    id,
    name: id,
    query: id,
    timezone: 'America/New_York',
    ...(index === 2 && { pollEveryMinutes: 15 }),
  })),
  retention: { rawDays: 400, supersededModelDays: 300, queryResultDays: 8 },
  alarmEmail: 'rain@example.com',
  dashboard: true,
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      sample: { type: 'string' },
      seed: { type: 'string', default: 'garoa' },
      only: { type: 'string', default: '' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const seconds = Number(values.sample ?? Number.POSITIVE_INFINITY);
  if (!(seconds > 0)) throw new Refusal(`--sample needs seconds, not "${values.sample}".`);
  const ground = groundOf(CONFIG, synthesised());
  const wrong = await findingsOf(ground);
  if (wrong.length > 0) {
    throw new Error(`The templates as they are:\n${wrong.map(({ what }) => `- ${what}`).join('\n')}`);
  }
  const edits = editsOf(ground.deployment, ground.stacks).filter(({ name }) => name.includes(values.only));
  const ends = performance.now() + seconds * 1000;
  const judged: { readonly edit: Edit; readonly by: string | undefined }[] = [];
  for (const edit of values.sample === undefined ? edits : shuffled(edits, values.seed)) {
    if (performance.now() > ends) break;
    const finding = await judge(ground, edit);
    judged.push({ edit, by: finding?.by });
    if (values.verbose) console.log(`${edit.name}\n    ${finding?.what ?? 'SURVIVES'}`);
  }
  report(judged, edits.length, values.only === '' && judged.length === edits.length);
}

function report(
  judged: readonly { readonly edit: Edit; readonly by: string | undefined }[],
  count: number,
  whole: boolean,
): void {
  const survivors = judged.filter(({ by }) => by === undefined).map(({ edit }) => edit.name);
  const killed = judged.filter(({ by }) => by !== undefined).map(({ edit }) => edit.name);
  console.log(`${judged.length} of ${count} edits. Shown by ${ways(judged)}.`);
  for (const type of new Set(judged.map(({ edit }) => edit.type))) {
    const of = judged.filter(({ edit }) => edit.type === type);
    console.log(`  ${type}: ${of.length}, by ${ways(of)}`);
  }
  const listed = (name: string): boolean => SURVIVORS.some(([pattern]) => pattern.test(name));
  const complaints = [
    ...survivors
      .filter((name) => !listed(name))
      .map((name) => `nothing shows it, and it is not listed: ${name}`),
    ...killed.filter(listed).map((name) => `listed as a survivor, and shown: ${name}`),
    ...(whole
      ? SURVIVORS.filter(([pattern]) => !survivors.some((name) => pattern.test(name))).map(
          ([pattern]) => `listed, and no edit: ${pattern}`,
        )
      : []),
  ];
  if (complaints.length === 0) return;
  console.error(complaints.join('\n'));
  process.exitCode = 1;
}

function ways(judged: readonly { readonly by: string | undefined }[]): string {
  const counts = new Map<string, number>();
  for (const { by = 'nothing' } of judged) counts.set(by, (counts.get(by) ?? 0) + 1);
  return [...counts].map(([by, count]) => `${by} ${count}`).join(', ');
}

function shuffled(edits: readonly Edit[], seed: string): Edit[] {
  const random = seededRandom(seed);
  return edits
    .map((edit) => ({ edit, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ edit }) => edit);
}

/** The templates as `cdk synth` makes them, without bundles: no code runs. */
function synthesised() {
  const outdir = mkdtempSync(join(tmpdir(), 'garoa-mutants-'));
  try {
    garoaApp({
      config: CONFIG,
      outdir,
      context: { 'aws:cdk:bundling-stacks': [] },
      checkTemplates: false,
    }).synth();
    return readCloudAssembly(outdir).stacks;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(wordsOf(error));
  process.exitCode = 1;
});
