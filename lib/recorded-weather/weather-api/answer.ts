import type { Place } from './recorded-weather';

/** What a provider answers to a request, before anything goes wrong on its way. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Place asked for, as far as it is known. */
  readonly locationId: string | undefined;
  /** `location observed_at` of every observation in the body. */
  readonly observations: readonly string[];
}

/** An observation as `WeatherApi.served` spells it; `time` in UTC seconds. */
export function observationId({ location }: Place, time: number): string {
  return `${location.id} ${new Date(time * 1000).toISOString().replace('.000Z', 'Z')}`;
}
