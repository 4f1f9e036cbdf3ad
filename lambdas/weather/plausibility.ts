import type { Measured, Measurement } from './observation';

interface Bounds {
  readonly least: number;
  readonly most: number;
}

/**
 * What can be at all, per measurement. The records behind the bounds are those of the WMO's archive of weather
 * and climate extremes unless said otherwise; the margin is for the record to come. A value outside is an error of
 * a sensor, a unit or a feed.
 */
export const PLAUSIBLE: Readonly<Record<Measurement, Bounds>> = {
  /** −89.2 °C (Vostok, 1983) to 56.7 °C (Furnace Creek, 1913). */
  temp_c: { least: -95, most: 60 },
  /** Down to what air at the lowest temperature can hold; 35 °C (Dhahran, 2003) is the highest reported. */
  dewpoint_c: { least: -105, most: 40 },
  humidity_pct: { least: 0, most: 100 },
  /** At sea level: 870 mb (typhoon Tip, 1979) to 1,089 mb (Tosontsengel, 2004). */
  pressure_mb: { least: 850, most: 1_100 },
  /** The strongest gust measured outside tornadoes is 408 km/h (Barrow Island, 1996): no mean wind exceeds it. */
  wind_kph: { least: 0, most: 410 },
  wind_degree: { least: 0, most: 360 },
  /** Tornadoes, measured by radar, reach about 500 km/h (Bridge Creek, 1999). */
  gust_kph: { least: 0, most: 520 },
  /** In one hour: 305 mm within 42 minutes (Holt, 1947); 401 mm is claimed for Shangdi (1975). */
  precip_mm: { least: 0, most: 410 },
  cloud_pct: { least: 0, most: 100 },
  /** Rayleigh scattering alone limits sight at sea level to about 300 km. */
  visibility_km: { least: 0, most: 350 },
  /** 43.3 (Licancabur, 2003). */
  uv: { least: 0, most: 50 },
  /** WMO codes end at 99, WeatherAPI.com's at 1282. */
  condition_code: { least: 0, most: 9_999 },
};

/** Replaces what cannot be by null; the payload keeps what the provider said. */
export function plausible(measured: Measured): { values: Measured; refused: Measurement[] } {
  const refused: Measurement[] = [];
  const check = (name: Measurement): number | null => {
    const value = measured[name];
    if (value === null) return null;
    const { least, most } = PLAUSIBLE[name];
    if (value >= least && value <= most) return value;
    refused.push(name);
    return null;
  };
  const values: Measured = {
    temp_c: check('temp_c'),
    dewpoint_c: check('dewpoint_c'),
    humidity_pct: check('humidity_pct'),
    pressure_mb: check('pressure_mb'),
    wind_kph: check('wind_kph'),
    wind_degree: check('wind_degree'),
    gust_kph: check('gust_kph'),
    precip_mm: check('precip_mm'),
    cloud_pct: check('cloud_pct'),
    visibility_km: check('visibility_km'),
    uv: check('uv'),
    condition_code: check('condition_code'),
  };
  return { values, refused };
}
