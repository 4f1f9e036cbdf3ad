import * as z from 'zod';
import { readLedger } from '../../lambdas/model/registry';
import { writeResults } from './report';
import { compareProtocol, compareUsual } from './retrain-reference';
import { locationId, retrainAsDeployed, type Stations } from './stations';

/** Parts of the bench by name; each writes `.garoa/bench/retrain-<name>.json`. */
const PARTS: Readonly<Record<string, (options: Options) => Promise<Record<string, unknown>[]>>> = {
  /** Many places through the Distributed Map. */
  many: async () => [
    await measure({ count: 300, firstDay: '2013-01-01', days: 60, candidates: 1, corrupt: 7 }),
  ],
  /** One place with 17 years. */
  long: async () => [await measure({ count: 1, firstDay: '1996-11-20', days: 6_250, candidates: 24 })],
  /** One place, beside scikit-learn doing the same. */
  protocol: compareProtocol,
  /** One place with five years, beside what people usually do. */
  usual: compareUsual,
};

export const options = {
  only: { type: 'string' },
  repeats: { type: 'string' },
  days: { type: 'string' },
  grid: { type: 'boolean' },
} as const;

const commandLine = z.object({
  only: z.enum(Object.keys(PARTS)).optional(),
  repeats: z.string().default('1').transform(Number).pipe(z.int().min(1)),
  days: z.string().default('364').transform(Number).pipe(z.int().min(30)),
  grid: z.boolean().default(false),
});
export type Options = z.infer<typeof commandLine>;

/**
 * Retraining as deployed, on the local cloud. `--only many|long|protocol|usual` runs one part; `--repeats 3` and
 * `--days 364` are for `protocol`, `--grid` for `usual` (see `retrain-reference.ts`).
 */
export async function bench(given: unknown): Promise<void> {
  const asked = commandLine.parse(given);
  for (const [name, part] of Object.entries(PARTS)) {
    if (asked.only === undefined || asked.only === name) {
      writeResults(`retrain-${name}`, await part(asked));
    }
  }
}

function measure(stations: Stations): Promise<Record<string, unknown>> {
  return retrainAsDeployed(stations, async (cloud, { status, summary, whole }) => ({
    stations: stations.count,
    'hours each': stations.days * 24,
    recipes: stations.candidates,
    status,
    promoted: summary.promoted,
    kept: summary.kept,
    failed: summary.failed,
    ...(stations.corrupt !== undefined && {
      "corrupt one's champions": (await readLedger(cloud.bucket('models'), locationId(stations.corrupt)))
        .length,
    }),
    seconds: Math.round(whole.seconds),
    'CPU seconds': Math.round(whole.cpuSeconds),
    'GiB of memory at most': Number((process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)),
  }));
}
