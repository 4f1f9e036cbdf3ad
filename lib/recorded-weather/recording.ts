import type { Location } from '../../lambdas/weather/location';
import { MEASUREMENTS, type Measurement, NOTHING_MEASURED } from '../../lambdas/weather/observation';

const HOUR = 3600;

/** One recorded reading: UTC seconds, and every measurement with null where the station reported none. */
export interface Reading {
  readonly time: number;
  readonly values: Readonly<Record<Measurement, number | null>>;
  /** Of the hour that begins at the end of the reading's hour; absent where none was recorded. */
  readonly forecast?: RecordedForecast;
}

/** A provider's forecast of an hour as it had been issued before that hour began. */
export interface RecordedForecast {
  readonly probabilityPct: number | null;
  readonly precipMm: number | null;
}

export const FORECAST_COLUMNS = ['forecast_probability_pct', 'forecast_precip_mm'] as const;
export type RecordedColumn = Measurement | (typeof FORECAST_COLUMNS)[number];
export const RECORDED_COLUMNS: readonly RecordedColumn[] = [...MEASUREMENTS, ...FORECAST_COLUMNS];
/** What belongs to a row's whole hour, whatever instant its state of the air belongs to. */
export const OF_THE_HOUR: ReadonlySet<RecordedColumn> = new Set([
  'precip_mm',
  'gust_kph',
  ...FORECAST_COLUMNS,
]);

/** Readings of one place in time order, kept as columns so that decades of several stations fit in memory. */
export class Series {
  /** True when the place has at most one reading an hour, on the hour: such a reading speaks for its hour. */
  readonly hourly: boolean;

  constructor(
    readonly times: Float64Array,
    private readonly columns: ReadonlyMap<RecordedColumn, Float64Array>,
  ) {
    this.hourly = times.every((time) => time % HOUR === 0);
  }

  /** Whether any reading has a forecast. */
  get hasForecasts(): boolean {
    return FORECAST_COLUMNS.some((name) => this.columns.get(name)?.some((value) => !Number.isNaN(value)));
  }

  get first(): number {
    return this.times[0] ?? Number.NaN;
  }

  get last(): number {
    return this.times[this.times.length - 1] ?? Number.NaN;
  }

  /** The latest reading made at `time` (UTC seconds) or before; undefined before the first. */
  latest(time: number): Reading | undefined {
    const index = this.countBefore(time + 1) - 1;
    return index < 0 ? undefined : this.at(index);
  }

  /** Readings with `from <= time < to`, in UTC seconds. */
  between(from: number, to: number): Reading[] {
    const readings: Reading[] = [];
    for (let index = this.countBefore(from); index < this.countBefore(to); index += 1) {
      readings.push(this.at(index));
    }
    return readings;
  }

  /** Distinct UTC hours that have a reading, with `from <= hour start < to` in UTC seconds. */
  hoursBetween(from: number, to: number): number {
    let hours = 0;
    let previous = Number.NaN;
    for (let index = this.countBefore(from); index < this.countBefore(to); index += 1) {
      const hour = Math.floor((this.times[index] ?? 0) / HOUR);
      if (hour !== previous) {
        hours += 1;
        previous = hour;
      }
    }
    return hours;
  }

  private at(index: number): Reading {
    const values = { ...NOTHING_MEASURED };
    for (const name of MEASUREMENTS) values[name] = this.value(name, index);
    const time = this.times[index] ?? Number.NaN;
    const probabilityPct = this.value('forecast_probability_pct', index);
    const precipMm = this.value('forecast_precip_mm', index);
    const forecast = probabilityPct === null && precipMm === null ? undefined : { probabilityPct, precipMm };
    return { time, values, ...(forecast !== undefined && { forecast }) };
  }

  private value(name: RecordedColumn, index: number): number | null {
    const value = this.columns.get(name)?.[index];
    return value === undefined || Number.isNaN(value) ? null : value;
  }

  private countBefore(time: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Recorded weather of one or more places, ready to be replayed. */
export interface Recording {
  /** The file's name, for messages. */
  readonly title: string;
  readonly locations: readonly Location[];
  readonly series: ReadonlyMap<string, Series>;
  readonly rows: number;
  /** What was made of the file, a line each; empty when all of it was as expected. */
  readonly notes: readonly string[];
  /** Start of the UTC hour of the first reading, and end of the hour of the last, in UTC seconds. */
  readonly from: number;
  readonly to: number;
}
