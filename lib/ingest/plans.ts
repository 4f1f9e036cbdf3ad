import type { ProviderName } from '../../lambdas/runtime/settings';

/** What a provider lets an account do, from its price list. */
export interface Plan {
  readonly id: string;
  readonly name: string;
  readonly callsPerMonth: number;
}

interface ProviderTerms {
  readonly name: string;
  readonly plans: readonly [Plan, ...Plan[]];
  /**
   * Days of history that a backfill fetches side by side. Within one day the function bounds its own calls.
   */
  readonly daysAtOnce: number;
}

const TERMS: Readonly<Record<ProviderName, ProviderTerms>> = {
  /** https://www.weatherapi.com/pricing.aspx: a monthly quota; no limit by the minute is published. */
  weatherapi: {
    name: 'WeatherAPI.com',
    plans: [
      { id: 'free', name: 'Free', callsPerMonth: 100_000 },
      { id: 'starter', name: 'Starter', callsPerMonth: 3_000_000 },
      { id: 'pro-plus', name: 'Pro+', callsPerMonth: 5_000_000 },
      { id: 'business', name: 'Business', callsPerMonth: 10_000_000 },
    ],
    daysAtOnce: 4,
  },
  /**
   * https://open-meteo.com/en/terms: fewer than 10,000 calls a day, 5,000 an hour and 600 a minute, without
   * a key and for non-commercial use. Plans with a key answer at other addresses and are not offered here.
   */
  'open-meteo': {
    name: 'Open-Meteo',
    plans: [{ id: 'free', name: 'Free', callsPerMonth: 300_000 }],
    daysAtOnce: 1,
  },
};

export function plansOf(provider: ProviderName): ProviderTerms['plans'] {
  return TERMS[provider].plans;
}

export function providerTerms(provider: ProviderName): ProviderTerms {
  return TERMS[provider];
}
