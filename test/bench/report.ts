import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

/** The Python that has scikit-learn (`python3`, or what PYTHON names); undefined, after saying so, when it has none. */
export function findScikitLearn(bench: string): string | undefined {
  const python = process.env.PYTHON ?? 'python3';
  const { status, stdout } = spawnSync(python, ['-c', 'import sklearn; print(sklearn.__version__)'], {
    encoding: 'utf8',
  });
  if (status === 0) {
    console.log(`${bench}: beside scikit-learn ${stdout.trim()}`);
    return python;
  }
  console.log(`${bench}: ${python} has no scikit-learn: the comparisons with it are skipped`);
  return undefined;
}

/** Prints a table, and writes its rows to `.garoa/bench/<name>.json`. */
export function writeResults(name: string, rows: readonly object[]): void {
  console.table(rows);
  mkdirSync('.garoa/bench', { recursive: true });
  writeFileSync(`.garoa/bench/${name}.json`, `${JSON.stringify(rows, undefined, 2)}\n`);
}

/** NaN when there are none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Three digits; a dash for what was not measured. */
export function shown(value: number): number | string {
  return Number.isNaN(value) ? '-' : Number(value.toPrecision(3));
}
