import { OF_THE_HOUR, type RecordedColumn, Series } from '../recording';

const HOUR = 3600;

/** Growing columns of one place. */
export class PlaceBuilder {
  private times = new Float64Array(1024);
  private lines = new Float64Array(1024);
  private readonly columns: Float64Array<ArrayBuffer>[];
  private length = 0;

  constructor(private readonly names: readonly RecordedColumn[]) {
    this.columns = names.map(() => new Float64Array(1024));
  }

  add(line: number, time: number, values: readonly number[]): void {
    if (this.length === this.times.length) this.grow();
    this.times[this.length] = time;
    this.lines[this.length] = line;
    this.columns.forEach((column, index) => {
      column[this.length] = values[index] ?? Number.NaN;
    });
    this.length += 1;
  }

  build(stateAt: 'start' | 'end', onDuplicate: (line: number, first: number) => never): Series {
    const { times, lines } = this;
    const time = (index: number): number => times[index] ?? 0;
    const order = Uint32Array.from({ length: this.length }, (_, index) => index).sort(
      (a, b) => time(a) - time(b) || a - b,
    );
    order.forEach((index, rank) => {
      const previous = order[rank - 1];
      if (previous !== undefined && time(previous) === time(index)) {
        onDuplicate(lines[index] ?? 0, lines[previous] ?? 0);
      }
    });
    const sorted = (column: Float64Array): Float64Array =>
      Float64Array.from(order, (index) => column[index] ?? Number.NaN);
    const sortedTimes = sorted(times);
    const columns = new Map(
      this.names.map((name, index) => [name, sorted(this.columns[index] ?? new Float64Array(this.length))]),
    );
    const series = new Series(sortedTimes, columns);
    return series.hourly && stateAt === 'start'
      ? new Series(sortedTimes, stateAtTheEnd(sortedTimes, columns))
      : series;
  }

  private grow(): void {
    const larger = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(column.length * 2);
      grown.set(column);
      return grown;
    };
    this.times = larger(this.times);
    this.lines = larger(this.lines);
    this.columns.forEach((column, index) => {
      this.columns[index] = larger(column);
    });
  }
}

/** The state of the air at an hour's end is what the next hour's row says of its start. */
function stateAtTheEnd(
  times: Float64Array,
  columns: ReadonlyMap<RecordedColumn, Float64Array>,
): Map<RecordedColumn, Float64Array> {
  const followed = (index: number): boolean => times[index + 1] === (times[index] ?? Number.NaN) + HOUR;
  return new Map(
    [...columns].map(([name, column]) => [
      name,
      OF_THE_HOUR.has(name)
        ? column
        : column.map((_, index) => (followed(index) ? (column[index + 1] ?? Number.NaN) : Number.NaN)),
    ]),
  );
}
