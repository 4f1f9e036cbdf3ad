import { type ParseArgsConfig, parseArgs } from 'node:util';
import * as z from 'zod';
import { wordsOf } from '../../lib/terminal/fatal';

interface Bench {
  /** Of the command line; a bench without them takes none. */
  readonly options?: NonNullable<ParseArgsConfig['options']>;
  /** @param given values of the options, not yet checked. */
  bench(given: unknown): Promise<void>;
}

/** `npm run bench -- NAME`: measures one part of the application on this machine and prints a table. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  ingest: () => import('./ingest'),
  hourly: () => import('./hourly'),
  svc: () => import('./svc'),
  retrain: () => import('./retrain'),
  rolling: () => import('./rolling'),
  cost: () => import('./cost'),
  decisions: () => import('./decisions'),
  places: () => import('./places'),
  models: () => import('./models'),
};

main(process.argv[2] ?? '').catch((error: unknown) => {
  console.error(error instanceof z.ZodError ? z.prettifyError(error) : wordsOf(error));
  process.exitCode = 1;
});

async function main(name: string): Promise<void> {
  const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (load === undefined) {
    console.error(`Usage: npm run bench -- ${Object.keys(BENCHES).join('|')}`);
    process.exitCode = 1;
    return;
  }
  // The SDK warns about Node 20; the functions run on a later one.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { bench, options = {} } = await load();
  await bench(parseArgs({ args: process.argv.slice(3), options }).values);
}
