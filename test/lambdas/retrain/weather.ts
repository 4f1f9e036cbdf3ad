import type { Column } from '../../../lambdas/lake/layout';
import { encodeParquet } from '../../../lambdas/lake/parquet';
import { OWN_FEATURE_NAMES } from '../../../lambdas/model/features';
import { TRAINING_SET_COLUMNS } from '../../../lambdas/retrain/training-set-sql';
import { HOUR_MS } from '../../../lambdas/runtime/time';
import { seededRandom } from '../../../lib/local/random';

/** Rows of a training set as the query writes them; a cell is a number or null. */
export type Row = Readonly<Record<string, number | string | null>>;

/**
 * Hours of invented weather in which rain announces itself: pressure falls and humidity rises in the hours
 * before, so that a classifier can beat persistence. Features that play no part are noise or null.
 */
export function invent(hours: number, seed = 1): readonly Row[] {
  const key = `${hours} ${seed}`;
  const known = invented.get(key) ?? weather(hours, seed);
  invented.set(key, known);
  return known;
}

const invented = new Map<string, readonly Row[]>();
const FIRST_HOUR = Date.parse('2013-01-01T00:00:00Z');

function weather(hours: number, seed: number): Row[] {
  const random = seededRandom(`weather ${seed}`);
  const wet: number[] = [];
  let front = 0;
  const fronts = Array.from({ length: hours + 1 }, () => {
    front = random() < 0.03 ? 8 : Math.max(0, front - 1);
    wet.push(front > 0 && front < 6 && random() < 0.85 ? 1 : 0);
    return front;
  });
  return Array.from({ length: hours }, (_, t) => {
    const coming = fronts[t + 1] ?? 0;
    const noise = () => random() - 0.5;
    const features = Object.fromEntries(
      OWN_FEATURE_NAMES.map((name) => [name, name.startsWith('visibility') ? null : noise()]),
    );
    return {
      hour: new Date(FIRST_HOUR + t * HOUR_MS).toISOString().replace('.000Z', 'Z'),
      ...features,
      pressure_mb: 1015 - coming + noise(),
      humidity_pct: 60 + 4 * coming + 3 * noise(),
      rained: wet[t] ?? 0,
      wet_now: wet[t] ?? 0,
      label: wet[t + 1] ?? 0,
      polled: 0,
      provider_probability: null,
      provider_precip_mm: null,
      provider_reaches: null,
      provider_error_mm: null,
      neighbours: '',
    };
  });
}

const TYPES: Readonly<Record<string, Column['type']>> = {
  wet_now: 'int',
  label: 'int',
  neighbours: 'string',
};

/** The file that `prepare` would have copied for one location; columns that the rows lack are left out. */
export function trainingSetFile(rows: readonly Row[]): Uint8Array {
  const column = (name: string, type: Column['type']): Column => ({ name, type, comment: name });
  const columns = [
    column('hour', 'timestamp'),
    ...TRAINING_SET_COLUMNS.filter((name) => name in (rows[0] ?? {})).map((name) =>
      column(name, TYPES[name] ?? 'double'),
    ),
  ];
  return encodeParquet(columns, rows);
}
