import type { Location } from '../../../lambdas/weather/location';
import type { Reading, Recording, Series } from '../recording';

export const HOUR = 3600;
/** Seconds after which both providers renew current conditions. */
export const CADENCE = 900;

export interface Place {
  readonly location: Location;
  readonly series: Series;
}

/** A reading as it is reported: possibly later in its hour than it was made. */
export interface Report {
  readonly time: number;
  readonly values: Reading['values'];
}

export class RecordedWeather {
  private readonly places: readonly Place[];

  constructor(
    recording: Recording,
    private readonly clock: () => Date,
  ) {
    this.places = recording.locations.flatMap((location) => {
      const series = recording.series.get(location.id);
      return series === undefined ? [] : [{ location, series }];
    });
  }

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

  /** What the place reports now; undefined before its first reading. */
  current({ series }: Place): Report | undefined {
    const now = this.now();
    const reading = series.latest(now);
    if (reading === undefined || !series.hourly) return reading;
    const quarter = Math.floor(now / CADENCE) * CADENCE;
    return { ...reading, time: Math.min(quarter, reading.time + HOUR - CADENCE) };
  }

  /**
   * The last step of 15 minutes that has ended with something to say, by its end. A place with one reading an hour
   * says it in each step of that hour, others in the step that the reading lies in.
   */
  closedStep({ series }: Place): { readonly stamp: number; readonly reading: Reading } | undefined {
    const quarter = Math.floor(this.now() / CADENCE) * CADENCE;
    const reading = series.latest(quarter - 1);
    if (reading === undefined) return undefined;
    const ownStep = Math.floor(reading.time / CADENCE) * CADENCE + CADENCE;
    return { stamp: series.hourly ? Math.min(quarter, reading.time + HOUR) : ownStep, reading };
  }

  /** Readings in [from, to) that have passed: an hourly one with its hour, others when they were made. */
  history({ series }: Place, from: number, to: number): Reading[] {
    const known = series.hourly ? this.now() - HOUR : this.now();
    return series.between(from, Math.min(to, known + 1));
  }
}
