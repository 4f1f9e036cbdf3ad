import type { Location } from '../../../lambdas/weather/location';
import { type RecordedColumn, type Recording, Series } from '../../../lib/recorded-weather/recording';

const HOUR = 3600;
const DAYS_BEFORE = 120;
const DAYS_AFTER = 2;

/**
 * Weather of the last months and the next days: a day's wave of temperature, and rain that comes in spells. Places have
 * for id what functions ask the provider by.
 */
export function weatherUntilNow(places: readonly Location[], now: Date): Recording {
  const locations = places.map((place) => ({ ...place, id: place.query ?? place.id }));
  const midnight = Math.floor(now.getTime() / 86_400_000) * 24 * HOUR;
  const from = midnight - DAYS_BEFORE * 24 * HOUR;
  const to = midnight + DAYS_AFTER * 24 * HOUR;
  const times = Float64Array.from({ length: (to - from) / HOUR }, (_, index) => from + index * HOUR);
  return {
    title: 'made up until now',
    locations,
    series: new Map(locations.map(({ id }) => [id, new Series(times, columnsOf(times))])),
    rows: times.length * locations.length,
    notes: [],
    from,
    to,
  };
}

function columnsOf(times: Float64Array): ReadonlyMap<RecordedColumn, Float64Array> {
  const series = (value: (hour: number, wet: boolean) => number) =>
    times.map((time) => {
      const hour = time / HOUR;
      return value(hour, Math.sin(hour / 7) + Math.sin(hour / 11) > 1.1);
    });
  return new Map<RecordedColumn, Float64Array>([
    ['temp_c', series((hour) => 20 + 5 * Math.sin((hour * 2 * Math.PI) / 24))],
    ['dewpoint_c', series(() => 14)],
    ['humidity_pct', series((_, wet) => (wet ? 95 : 65))],
    ['pressure_mb', series((hour) => 1012 - 4 * Math.sin(hour / 7))],
    ['wind_kph', series(() => 9.4)],
    ['wind_degree', series(() => 160)],
    ['gust_kph', series(() => 15.1)],
    ['precip_mm', series((_, wet) => (wet ? 1.2 : 0))],
    ['cloud_pct', series((_, wet) => (wet ? 100 : 30))],
    ['visibility_km', series((_, wet) => (wet ? 6 : 10))],
    ['uv', series(() => 1)],
    ['condition_code', series((_, wet) => (wet ? 1183 : 1000))],
  ]);
}
