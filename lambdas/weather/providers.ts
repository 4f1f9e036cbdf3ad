import { openMeteo } from './open-meteo';
import type { ProviderDefinition } from './provider';
import { weatherapi } from './weatherapi';

/** Every provider by the name that configuration and the lake's `source` column use. */
export const PROVIDERS = {
  weatherapi,
  'open-meteo': openMeteo,
} as const satisfies Readonly<Record<string, ProviderDefinition>>;

export type ProviderName = keyof typeof PROVIDERS;

export function isProviderName(name: unknown): name is ProviderName {
  return typeof name === 'string' && Object.hasOwn(PROVIDERS, name);
}
