import type { Location } from '../../../lambdas/weather/location';
import { MEASUREMENTS, type Measurement } from '../../../lambdas/weather/observation';
import type { Reading, RecordedForecast, Recording, Series } from '../recording';
import { type Manners, modelledRain } from './manners';

export const HOUR = 3600;
/** Seconds after which both providers renew current conditions. */
export const CADENCE = 900;

export interface Place {
  readonly location: Location;
  readonly series: Series;
}

type Values = Reading['values'];

/** A reading as it is reported: possibly later in its hour than it was made. */
export interface Present {
  /** UTC seconds. */
  readonly time: number;
  readonly values: Values;
}

/** An hour as it was: the state of the air at its end, and the rain that fell in it. */
interface RecordedHour {
  /** Start of the hour, UTC seconds. */
  readonly start: number;
  readonly values: Values;
}

/**
 * The recording as a provider knows it at an instant: an hour's rain as its model has it until history is settled,
 * the state of the air between two recorded hours, the forecast of the next hour where one was recorded.
 *
 * A place with several readings an hour is reported as it was; its hour has the state of the last one and the
 * largest amount of rain, since each tells what has fallen in the hour so far.
 */
export class RecordedWeather {
  private readonly places: readonly Place[];

  constructor(
    recording: Recording,
    private readonly clock: () => Date,
    readonly manners: Manners,
  ) {
    this.places = recording.locations.flatMap((location) => {
      const series = recording.series.get(location.id);
      return series === undefined ? [] : [{ location, series }];
    });
  }

  /** UTC seconds. */
  now(): number {
    return Math.floor(this.clock().getTime() / 1000);
  }

  byQuery(query: string): Place | undefined {
    const exact = this.places.find(({ location }) => location.id === query);
    if (exact !== undefined) return exact;
    const [latitude, longitude] = query.split(',').map(Number);
    return latitude === undefined || longitude === undefined ? undefined : this.at(latitude, longitude);
  }

  at(latitude: number, longitude: number): Place | undefined {
    const near = (value: number | undefined, wanted: number): boolean =>
      value !== undefined && Math.abs(value - wanted) < 0.05;
    return this.places.find(
      ({ location }) => near(location.latitude, latitude) && near(location.longitude, longitude),
    );
  }

  /**
   * What the place reports now, its rain read as the manners say; undefined before its first reading. In a gap the
   * last reading stays, so that no hour is made up.
   */
  current(place: Place): Present | undefined {
    const { series } = place;
    const now = this.now();
    const reading = series.latest(now);
    if (reading === undefined) return undefined;
    const quarter = Math.floor(now / CADENCE) * CADENCE;
    const time = series.hourly ? Math.min(quarter, reading.time + HOUR - CADENCE) : reading.time;
    const values = series.hourly ? this.between(place, hourOf(time), time) : reading.values;
    return { time, values: { ...values, precip_mm: this.currentRain(place, time) } };
  }

  /**
   * The last step of 15 minutes that has ended with something to say, by its end. A place with one reading an hour
   * says it in each step of that hour, others in the step that the reading lies in.
   */
  closedStep(place: Place): { readonly stamp: number; readonly values: Values } | undefined {
    const { series } = place;
    const quarter = Math.floor(this.now() / CADENCE) * CADENCE;
    const reading = series.latest(quarter - 1);
    if (reading === undefined) return undefined;
    if (!series.hourly) {
      return { stamp: Math.floor(reading.time / CADENCE) * CADENCE + CADENCE, values: reading.values };
    }
    const stamp = Math.min(quarter, reading.time + HOUR);
    return { stamp, values: this.between(place, reading.time, stamp) };
  }

  /** The hours in [from, to) that are over and were recorded, as settled history has them. */
  hours(place: Place, from: number, to: number): RecordedHour[] {
    const end = Math.min(to, hourOf(this.now()));
    const hours = new Map<number, RecordedHour>();
    for (const { time, values } of place.series.between(from, end)) {
      const start = hourOf(time);
      const earlier = hours.get(start)?.values.precip_mm ?? null;
      hours.set(start, { start, values: { ...values, precip_mm: larger(earlier, values.precip_mm) } });
    }
    return [...hours.values()];
  }

  /** The rain of an hour as settled history has it, in mm; null when it was not recorded. */
  trueRain({ series }: Place, start: number): number | null {
    return series
      .between(start, start + HOUR)
      .reduce<number | null>((most, { values }) => larger(most, values.precip_mm), null);
  }

  /** The rain of an hour as the provider's model has it until history is settled, in mm. */
  modelledRain(place: Place, start: number): number | null {
    const truth = this.trueRain(place, start);
    if (truth === null) return null;
    const hour = `${place.location.id}:${start}`;
    return modelledRain(truth, this.trueRain(place, start - HOUR), hour, this.manners);
  }

  /**
   * The forecast of the hour that begins at `start`, as it had been issued before; undefined where none was recorded,
   * and as long as the hour before has not begun.
   */
  forecast({ series }: Place, start: number): RecordedForecast | undefined {
    if (start - HOUR > this.now()) return undefined;
    return series.between(start - HOUR, start).findLast(({ forecast }) => forecast !== undefined)?.forecast;
  }

  private currentRain(place: Place, time: number): number | null {
    const hour = hourOf(time);
    const running = this.modelledRain(place, hour);
    const before = this.modelledRain(place, hour - HOUR);
    const share = (time - hour) / HOUR;
    switch (this.manners.currentRain) {
      case 'running-hour':
        return running;
      case 'previous-hour':
        return before;
      case 'trailing-hour':
        return running === null ? null : thousandths((1 - share) * (before ?? 0) + share * running);
      case 'growing':
        return running === null ? null : thousandths(share * running);
    }
  }

  /**
   * The state of the air within an hour: on the way from the end of the hour before to the hour's own end. What was
   * not recorded then is taken from the hour's end, what was not recorded at its end stays unknown.
   */
  private between({ series }: Place, hour: number, time: number): Values {
    const end = series.latest(hour);
    if (end === undefined) throw new Error('the hour was not recorded');
    const start = series.between(hour - HOUR, hour)[0];
    const share = (time - hour) / HOUR;
    if (start === undefined || share === 1) return end.values;
    const values: Record<Measurement, number | null> = { ...end.values };
    for (const name of MEASUREMENTS) {
      const from = start.values[name];
      const to = end.values[name];
      if (from !== null && to !== null) values[name] = onTheWay(name, from, to, share);
    }
    return values;
  }
}

function onTheWay(name: Measurement, from: number, to: number, share: number): number {
  if (name === 'condition_code') return share < 0.5 ? from : to;
  if (name !== 'wind_degree') return thousandths(from + share * (to - from));
  // The short way round.
  const turn = ((((to - from) % 360) + 540) % 360) - 180;
  return thousandths((from + share * turn + 360) % 360);
}

export function hourOf(time: number): number {
  return Math.floor(time / HOUR) * HOUR;
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** Finer than any source: sums and shares of decimal fractions would show their rounding. */
function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
