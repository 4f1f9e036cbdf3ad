import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { PROVIDERS, type ProviderName } from '../../lambdas/weather/providers';
import { type GaroaConfig, parseConfig } from '../config';
import { projectRoot } from '../project-root';
import type { Recording } from '../recorded-weather/recording';
import { BadArguments } from '../terminal/arguments';

const cdkJsonSchema = z.object({ context: z.object({ garoa: z.unknown() }) });

/**
 * The configured application, forecasting for the recorded places through the local provider.
 * @throws BadArguments when the provider can't be asked for a place. ConfigError as `parseConfig`.
 */
export function localConfig(provider: ProviderName, recording: Recording, firstDay: string): GaroaConfig {
  const { title, plans, needsCoordinates } = PROVIDERS[provider];
  const lost = recording.locations.find(
    (place) => place.latitude === undefined || place.longitude === undefined,
  );
  if (needsCoordinates && lost !== undefined) {
    const advice = 'give them in the .json beside the file of observations';
    throw new BadArguments(`${title} needs latitude and longitude, and ${lost.id} has none: ${advice}.`);
  }
  const cdkJson = cdkJsonSchema.parse(JSON.parse(readFileSync(join(projectRoot, 'cdk.json'), 'utf8')));
  // What is configured is checked as it is, before the recording takes the place of provider and locations.
  const configured: object = parseConfig(cdkJson.context.garoa);
  return parseConfig({
    ...configured,
    provider,
    plan: plans.at(-1)?.id,
    locations: recording.locations,
    firstDay,
  });
}
