import { PLAUSIBLE } from './plausibility';
import { numberOf } from './replies';

/** The provider's own forecast of one hour. */
export interface HourForecast {
  /** Start of the hour, ISO 8601 UTC to the second. */
  readonly hour: string;
  /** 0 to 1. */
  readonly probability: number | null;
  readonly precipMm: number | null;
}

/**
 * What a provider forecasts of the hour that starts at `hour`. What can't be is unknown; a forecast that says nothing
 * is none.
 * @param percent probability of rain as the reply has it, @param amount millimetres as the reply has them.
 */
export function hourForecast(hour: string, percent: unknown, amount: unknown): HourForecast | undefined {
  const chance = within(percent, 0, 100);
  const precipMm = within(amount, PLAUSIBLE.precip_mm.least, PLAUSIBLE.precip_mm.most);
  if (chance === null && precipMm === null) return undefined;
  return { hour, probability: chance === null ? null : chance / 100, precipMm };
}

function within(value: unknown, least: number, most: number): number | null {
  const number = numberOf(value);
  return number !== undefined && number >= least && number <= most ? number : null;
}
