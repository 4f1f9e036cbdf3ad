import { LocalCloud, type LocalCloudOptions } from '../local/cloud';
import type { Recording } from '../recorded-weather/recording';
import type { WeatherFaultPlan } from '../recorded-weather/weather-api/faults';
import type { Manners } from '../recorded-weather/weather-api/manners';
import { startWeatherApi, type WeatherApi } from '../recorded-weather/weather-api/server';
import { LOCAL_WEATHER_KEY } from '../recorded-weather/weather-api/weatherapi';

/** The local cloud that runs Garoa, and the weather that Garoa is told about there. */
export type LocalGaroa = LocalCloud & { readonly weather: WeatherApi };

export interface LocalGaroaOptions
  extends Omit<LocalCloudOptions, 'replacedEnvironment' | 'secretValue' | 'onClose'> {
  readonly recording: Recording;
  readonly weatherFaults?: WeatherFaultPlan;
  /** `REAL_MANNERS` unless said otherwise. */
  readonly manners?: Manners;
}

/**
 * Starts the local cloud with a weather API beside it: functions find the local provider where their environment
 * names the real one, and the provider's key is set. Closing the cloud closes the weather API.
 * @throws UnresolvedTemplate or BadDefinition when the assembly holds something that can't be run here.
 */
export async function startLocalGaroa({
  recording,
  weatherFaults,
  manners,
  ...options
}: LocalGaroaOptions): Promise<LocalGaroa> {
  let cloud: LocalCloud | undefined;
  const weather = await startWeatherApi({
    recording,
    now: () => cloud?.now() ?? options.start,
    manners,
    faults: weatherFaults,
  });
  try {
    cloud = await LocalCloud.start({
      ...options,
      replacedEnvironment: new Map([
        ['https://api.weatherapi.com/v1', weather.url],
        ['https://api.open-meteo.com/v1', weather.openMeteoUrl],
        ['https://archive-api.open-meteo.com/v1', weather.archiveUrl],
        ['https://historical-forecast-api.open-meteo.com/v1', weather.historicalForecastUrl],
      ]),
      secretValue: LOCAL_WEATHER_KEY,
      onClose: () => weather.close(),
    });
  } catch (error) {
    await weather.close();
    throw error;
  }
  return Object.assign(cloud, { weather });
}
