import type * as z from 'zod';
import { latestSchema } from '../../../lambdas/lake/forecasts';
import { keys } from '../../../lambdas/lake/layout';
import { age, localHour, localTime, percent, utcTime } from '../../../lambdas/pages/words';
import { addHours, utcSecond } from '../../../lambdas/runtime/time';
import { Refusal } from '../../terminal/refusal';
import { command } from '../command';
import { findDeployment } from '../deployment';
import { deployedPlaces, type Place, placeOf } from '../places';
import { storedJson } from '../stored';

type Latest = z.infer<typeof latestSchema>;
type Forecast = Latest['forecasts'][number];

/** Nothing was forecast for the place; the message says why. */
class NoForecast extends Refusal {
  override readonly name = 'NoForecast';
}

export const forecast = command({
  name: 'forecast',
  summary: 'will it rain there? The newest forecast of a place',
  details: `Reads latest.json, which the hourly run replaces. A forecast of an hour that is over is shown as such.`,
  operands: ['location'],
  options: {},
  prepare(_, [location = '']) {
    return async ({ access }) => {
      const { models } = await findDeployment(access);
      const place = placeOf(await deployedPlaces(access), location);
      if (!place.forecast)
        throw new NoForecast(`${location} is only watched, for the sake of its neighbours.`);
      const latest = await storedJson(models, keys.latest, latestSchema);
      if (latest === undefined) {
        throw new NoForecast(`There is no forecast of ${location} yet: no hour has been closed.`);
      }
      const found = forecastOf(latest, location);
      const now = utcSecond(access.now());
      const over = addHours(latest.targetHour, 1) <= now;
      const { issuedAt, targetHour } = latest;
      return {
        text: formatForecast(place, found, { issuedAt, targetHour, over, now }),
        data: { location, ...found, issuedAt, targetHour, over },
      };
    };
  },
});

/** @throws NoForecast */
function forecastOf({ forecasts, withoutForecast, targetHour }: Latest, location: string): Forecast {
  const found = forecasts.find(({ locationId }) => locationId === location);
  if (found !== undefined) return found;
  const reason = withoutForecast.find(({ locationId }) => locationId === location)?.reason;
  throw new NoForecast(
    reason === undefined
      ? `There is no forecast of ${location} yet: it was configured after the last hour was closed.`
      : `There is no forecast of ${location} for the hour from ${utcTime(targetHour)}: ${reason}.`,
  );
}

function formatForecast(
  { id, name, timezone }: Place,
  { probability, willRain, threshold, persistenceProbability, modelVersion }: Forecast,
  when: {
    readonly issuedAt: string;
    readonly targetHour: string;
    readonly over: boolean;
    readonly now: string;
  },
): string {
  const { issuedAt, targetHour, over, now } = when;
  const hour = `${localTime(targetHour, timezone)} to ${localHour(addHours(targetHour, 1), timezone)} (${timezone})`;
  return [
    `${name} (${id}), ${hour}: ${willRain ? 'rain' : 'no rain'}, probability ${percent(probability, 1)}.`,
    ...(over ? [`That hour is over, and nothing newer was forecast: status may say why.`] : []),
    '',
    `Rain is forecast from ${percent(threshold)} on. Persistence says ${percent(persistenceProbability, 1)}.`,
    `Issued ${utcTime(issuedAt)}, ${age(issuedAt, now)} ago, by ${modelVersion}.`,
  ].join('\n');
}
