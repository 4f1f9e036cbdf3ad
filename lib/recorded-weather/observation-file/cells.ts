import { PLAUSIBLE } from '../../../lambdas/weather/plausibility';
import { FORECAST_COLUMNS, type RecordedColumn } from '../recording';

/** Ways in which files say that there is no value. */
const ABSENT: ReadonlySet<string> = new Set([
  '',
  'na',
  'n/a',
  '#n/a',
  'nan',
  'null',
  'none',
  'missing',
  'm',
  '.',
  '-',
  '--',
  '///',
]);

/**
 * Numbers that stand for "no value" where they can't be one: nines alone such as -9999 or 999.9, and the bounds of
 * short integers.
 */
const SENTINEL = /^[+-]?99+(\.[90]+)?$|^(-32768|32766|32767)(\.0+)?$/;
const DECIMAL_COMMA = /^[+-]?\d*,\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** A point that may part thousands, where commas part decimals. */
const THOUSANDS = /^[+-]?[1-9]\d{0,2}\.\d{3}$/;

/** Reads the numbers of a file and counts what it made of them. */
export class CellReader {
  private decimalCommas = 0;
  private traces = 0;
  private pointed:
    | { readonly line: number; readonly column: RecordedColumn; readonly text: string }
    | undefined;
  private readonly sentinels = new Map<string, Map<RecordedColumn, number>>();

  /** @param decimalCommas whether a comma may part a number: not where it parts cells */
  constructor(private readonly commasPartNumbers: boolean) {}

  /** NaN for an absent value; undefined when the text is no number. */
  number(line: number, column: RecordedColumn, text: string): number | undefined {
    if (ABSENT.has(text.toLowerCase())) return Number.NaN;
    if (column === 'precip_mm' && /^(t|trace)$/i.test(text)) {
      this.traces += 1;
      return 0;
    }
    let plain = text.replace('\u2212', '-');
    if (this.commasPartNumbers && DECIMAL_COMMA.test(plain)) {
      this.decimalCommas += 1;
      plain = plain.replace(',', '.');
    }
    const value = Number(plain);
    if (!NUMBER.test(plain) || !Number.isFinite(value)) return undefined;
    if (this.commasPartNumbers && plain === text && THOUSANDS.test(text))
      this.pointed ??= { line, column, text };
    if (SENTINEL.test(plain) && !canBe(column, value)) {
      const counts = this.sentinels.get(plain) ?? new Map<RecordedColumn, number>();
      counts.set(column, (counts.get(column) ?? 0) + 1);
      this.sentinels.set(plain, counts);
      return Number.NaN;
    }
    return value;
  }

  /** The first value, in a file with decimal commas, whose point could be a decimal point or part thousands. */
  get doubtful() {
    return this.decimalCommas === 0 ? undefined : this.pointed;
  }

  /** One line for each thing that a reader of the file should know. */
  notes(): string[] {
    const sentinels = [...this.sentinels].map(([sentinel, counts]) => {
      const columns = [...counts].map(([column, count]) => `${column} ${count}`).join(', ');
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      return `${sentinel} was taken as unknown, ${times(total)} (${columns})`;
    });
    return [
      ...(this.decimalCommas === 0 ? [] : [`decimal commas were read in ${values(this.decimalCommas)}`]),
      ...sentinels,
      ...(this.traces === 0 ? [] : [`a trace of rain (T) was taken as 0 mm, ${times(this.traces)}`]),
    ];
  }
}

/** Whether the value can be a measurement of the column. */
function canBe(column: RecordedColumn, value: number): boolean {
  const bounds =
    column === FORECAST_COLUMNS[0]
      ? PLAUSIBLE.humidity_pct
      : PLAUSIBLE[column === FORECAST_COLUMNS[1] ? 'precip_mm' : column];
  return value >= bounds.least && value <= bounds.most;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function values(count: number): string {
  return count === 1 ? '1 value' : `${count} values`;
}
