import * as z from 'zod';
import { isProviderName, type ProviderName } from '../../lambdas/weather/providers';
import { closest } from '../terminal/closest';
import { Refusal } from '../terminal/refusal';
import type { Access } from './access';
import { FunctionFailed, invoke, NotDeployed, otherVersion } from './deployment';

/** The part of the settings that commands need; the rest may be of another version of the code. */
const deployedSettings = z.object({
  provider: z.custom<ProviderName>(isProviderName),
  locations: z.array(
    z.object({ id: z.string(), name: z.string(), timezone: z.string(), forecast: z.boolean().default(true) }),
  ),
});
export type Place = z.infer<typeof deployedSettings>['locations'][number];

/** Nobody configured the place; the message names those that are. */
class UnknownLocation extends Refusal {
  override readonly name = 'UnknownLocation';
}

/** More than a reader takes in at a glance. */
const NAMED = 20;

/**
 * The places that were deployed, which need not be those of the cdk.json at hand. They travel inside the bundles, so
 * the ingest function is asked: it is warm, since it polls every minute.
 */
export async function deployedPlaces(access: Access): Promise<readonly Place[]> {
  return (await askSettings(access)).locations;
}

/** @throws NotDeployed when the function is of another version of the code. */
export async function askSettings(access: Access): Promise<z.infer<typeof deployedSettings>> {
  try {
    return deployedSettings.parse(await invoke(access, 'ingest', { describe: 'settings' }));
  } catch (error) {
    if (error instanceof FunctionFailed && error.errorType === 'EventRefused') {
      throw new NotDeployed(otherVersion(access, 'it does not tell its places'));
    }
    throw error;
  }
}

/** @throws UnknownLocation */
export function placeOf(places: readonly Place[], id: string): Place {
  const place = places.find((one) => one.id === id);
  if (place !== undefined) return place;
  const ids = places.map((one) => one.id);
  const near = closest(id, ids);
  const advice = near === undefined ? '' : ` Did you mean ${near}?`;
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  throw new UnknownLocation(
    `There is no location "${id}".${advice} Deployed are ${ids.slice(0, NAMED).join(', ')}${more}.`,
  );
}

/**
 * Checks places that a command was given; absent stands for all, which need no check.
 * @throws UnknownLocation
 */
export async function checkLocations(access: Access, ids: readonly string[] | undefined): Promise<void> {
  if (ids === undefined) return;
  const places = await deployedPlaces(access);
  for (const id of ids) placeOf(places, id);
}
