import { createHash } from 'node:crypto';
import { type ColumnData, type FileMetaData, parquetMetadata, parquetRead } from 'hyparquet';
import { OWN_FEATURE_NAMES } from '../model/features';
import { selectValues } from '../model/matrix';
import { featureNames, SPOKEN, withNeighbours } from '../model/neighbours';
import { offeredTerms } from '../model/provider-forecast';
import type { TrainingSet } from '../model/training-set';
import { messageOf } from '../runtime/errors';
import { NEIGHBOURS_COLUMN, spokenColumn } from './training-set-sql';

/** The training set of one location can't be used: not Parquet, other columns, or values no query of ours makes. */
export class TrainingSetDamaged extends Error {
  override readonly name = 'TrainingSetDamaged';
}

/**
 * Parses the Parquet file that the training-set query wrote for one location: `hour` and TRAINING_SET_COLUMNS.
 * Rows come in any order and leave it in time order; nulls become NaN, and a NaN that is in the file is refused.
 * @throws TrainingSetDamaged with the column and the reason.
 */
export async function parseTrainingSet(locationId: string, bytes: Uint8Array): Promise<TrainingSet> {
  const file = Uint8Array.from(bytes).buffer;
  const metadata = metadataOf(file);
  const rows = Number(metadata.num_rows);
  /** One column at a time: seventeen years of hours would not fit as row objects. */
  const column = async (
    name: string,
    parse: (value: unknown) => number | undefined,
  ): Promise<Float64Array> => {
    // An error thrown from the callback would be an unhandled rejection, so parsing waits.
    const chunks: ColumnData[] = [];
    try {
      await parquetRead({ file, metadata, columns: [name], onChunk: (chunk) => chunks.push(chunk) });
    } catch (error) {
      throw new TrainingSetDamaged(`column ${name}: ${messageOf(error)}`);
    }
    const values = new Float64Array(rows);
    let filled = 0;
    for (const { columnData, rowStart } of chunks) {
      columnData.forEach((value: unknown, i: number) => {
        values[rowStart + i] = parseValue(name, value, parse);
      });
      filled += columnData.length;
    }
    if (filled !== rows) throw new TrainingSetDamaged(`column ${name} has ${filled} values for ${rows} rows`);
    return values;
  };

  const times = await column('hour', timeOf);
  const order = Uint32Array.from(times.keys()).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
  const inOrder = (values: Float64Array) => selectValues(values, order);

  const hours = inOrder(times);
  hours.forEach((hour, i) => {
    if (Number.isNaN(hour)) throw new TrainingSetDamaged('column hour: a null');
    if (hour === hours[i - 1]) {
      throw new TrainingSetDamaged(`column hour: ${new Date(hour).toISOString()} is there twice`);
    }
  });

  const labels = inOrder(await column('label', numberOf));
  const matrixOf = async (names: readonly string[]): Promise<Float64Array> => {
    const matrix = new Float64Array(rows * names.length);
    for (const [position, name] of names.entries()) {
      inOrder(await column(name, numberOf)).forEach((value, row) => {
        matrix[row * names.length + position] = value;
      });
    }
    return matrix;
  };
  const neighbours = await neighboursIn(file, metadata);
  const own = await matrixOf(OWN_FEATURE_NAMES);
  const said: Float64Array[] = [];
  for (const slot of neighbours.keys()) {
    said.push(await matrixOf(SPOKEN.map((name) => spokenColumn(slot, name))));
  }
  const names = featureNames(neighbours.length);
  const values = new Float64Array(rows * names.length);
  const rowOf = (matrix: Float64Array, width: number, row: number) =>
    matrix.subarray(row * width, (row + 1) * width);
  for (let row = 0; row < rows; row++) {
    const heard = said.map((matrix) => rowOf(matrix, SPOKEN.length, row));
    values.set(withNeighbours(rowOf(own, OWN_FEATURE_NAMES.length, row), heard), row * names.length);
  }
  const forecasts = {
    probability: inOrder(await column('provider_probability', numberOf)),
    precipMm: inOrder(await column('provider_precip_mm', numberOf)),
    reaches: inOrder(await column('provider_reaches', numberOf)),
    errorMm: inOrder(await column('provider_error_mm', numberOf)),
  };
  return {
    locationId,
    hours,
    neighbours,
    featureNames: names,
    x: { rows, columns: names.length, values },
    y: Uint8Array.from(labels, (label) => flag('label', label)),
    wetNow: inOrder(await column('wet_now', numberOf)).map((wet) =>
      Number.isNaN(wet) ? wet : flag('wet_now', wet),
    ),
    polled: Uint8Array.from(inOrder(await column('polled', numberOf)), (polled) => flag('polled', polled)),
    forecasts: offeredTerms(forecasts).length === 0 ? null : forecasts,
  };
}

/** The ids of the neighbours, which all rows have in common. */
async function neighboursIn(file: ArrayBuffer, metadata: FileMetaData): Promise<string[]> {
  const found: unknown[] = [];
  const onChunk = ({ columnData }: ColumnData) => found.push(columnData[0]);
  try {
    await parquetRead({ file, metadata, columns: [NEIGHBOURS_COLUMN], rowEnd: 1, onChunk });
  } catch (error) {
    throw new TrainingSetDamaged(`column ${NEIGHBOURS_COLUMN}: ${messageOf(error)}`);
  }
  const [names = ''] = found;
  if (typeof names !== 'string') {
    throw new TrainingSetDamaged(`column ${NEIGHBOURS_COLUMN}: ${String(names)} is no list of locations`);
  }
  return names === '' ? [] : names.split(',');
}

/** SHA-256 (hex) of everything that a model can learn from the rows; equal rows have equal fingerprints. */
export function fingerprintOf(set: TrainingSet): string {
  const hash = createHash('sha256').update([...set.featureNames, ...set.neighbours].join('\n'));
  for (const part of [set.hours, set.x.values, set.wetNow, ...Object.values(set.forecasts ?? {})]) {
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return hash.update(set.y).update(set.polled).digest('hex');
}

function metadataOf(file: ArrayBuffer): FileMetaData {
  try {
    return parquetMetadata(file);
  } catch (error) {
    throw new TrainingSetDamaged(`not a Parquet file: ${messageOf(error)}`);
  }
}

function parseValue(name: string, value: unknown, parse: (value: unknown) => number | undefined): number {
  if (value === null || value === undefined) return Number.NaN;
  const parsed = parse(value);
  if (parsed === undefined || !Number.isFinite(parsed)) {
    throw new TrainingSetDamaged(`column ${name}: ${String(value)} is no finite value of its type`);
  }
  return parsed;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

function timeOf(value: unknown): number | undefined {
  return value instanceof Date ? value.getTime() : undefined;
}

function flag(name: string, value: number): 0 | 1 {
  if (value !== 0 && value !== 1) throw new TrainingSetDamaged(`column ${name}: ${value} is neither 0 nor 1`);
  return value;
}
