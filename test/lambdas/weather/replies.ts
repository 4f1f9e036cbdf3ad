/** Replies as the providers document them, with what tests want to be different in them. */

export function weatherApiCurrent(
  epoch: number,
  more: Record<string, unknown> = {},
  rest: Record<string, unknown> = {},
): unknown {
  return {
    location: {
      name: 'Jamaica',
      region: 'New York',
      country: 'USA',
      lat: 40.64,
      lon: -73.78,
      tz_id: 'America/New_York',
    },
    current: {
      last_updated_epoch: epoch,
      last_updated: '2026-11-23 05:15',
      temp_c: 11.7,
      temp_f: 53.1,
      is_day: 1,
      condition: { text: 'Light rain', icon: '//cdn.weatherapi.com/weather/64x64/day/296.png', code: 1183 },
      wind_mph: 9.4,
      wind_kph: 15.1,
      wind_degree: 210,
      wind_dir: 'SSW',
      pressure_mb: 1012,
      precip_mm: 0.3,
      humidity: 87,
      cloud: 75,
      feelslike_c: 10.1,
      dewpoint_c: 9.6,
      vis_km: 14,
      uv: 1.2,
      gust_kph: 22.4,
      ...more,
    },
    ...rest,
  };
}

/** Entries of a forecast that has, for each of the epochs, a tenth of a millimetre more and a per cent more. */
export function weatherApiForecast(epochs: readonly number[]): Record<string, unknown> {
  const hour = epochs.map((epoch, index) => ({
    time_epoch: epoch,
    precip_mm: index / 10,
    chance_of_rain: index,
    will_it_rain: 0,
  }));
  return { forecast: { forecastday: [{ date: '2026-11-22', hour }] } };
}

/** One local day: an hour for each of the epochs. */
export function weatherApiHistory(epochs: readonly number[], more: Record<string, unknown> = {}): unknown {
  return {
    location: { name: 'Jamaica' },
    forecast: {
      forecastday: [
        {
          date: '2026-11-22',
          astro: { moon_phase: 'Waxing Gibbous' },
          hour: epochs.map((epoch) => ({
            time_epoch: epoch,
            temp_c: 8.5,
            condition: { text: 'Sunny', code: 1000 },
            wind_kph: 9,
            wind_degree: 300,
            pressure_mb: 1020,
            precip_mm: 0,
            humidity: 60,
            cloud: 5,
            dewpoint_c: 1.2,
            vis_km: 16,
            uv: 0,
            gust_kph: 14,
            will_it_rain: 0,
            chance_of_rain: 0,
            ...more,
          })),
        },
      ],
    },
  };
}

/** A request that names no location, in WeatherAPI.com's words. */
export function weatherApiError(code: number, message: string): unknown {
  return { error: { code, message } };
}
