import type { Heard } from '../lake/voices';
import { isWorse } from './comparison';
import { compareDays, type LiveDay } from './drift';

/**
 * Who speaks where members are joined with the provider's forecast. Three looks, each of which finds what the others
 * are late for: the days of a week, by their spread; the hours one after the other, by likelihood; and forecasts that
 * stand still while the weather says otherwise.
 */

/** Days that upkeep looks at. */
export const VOICE_DAYS = 7;

/** Days of them that must have a comparison: fewer give no spread. */
const MINIMUM_VOICE_DAYS = 4;

/** One-sided level of the look at the days; most of what two false silences a year allow is left to the hours. */
const DAYS_LEVEL = 0.01;

/**
 * Whether the joined probability was worse than the plain one over the last days. Upkeep asks it once a day.
 * @param days the last VOICE_DAYS days; `squaredError` of the joined, `rivalSquaredError` of the plain probability.
 */
export function isWorseByDays(days: readonly LiveDay[]): boolean {
  const seen = days.filter(({ hours }) => hours > 0);
  return seen.length >= MINIMUM_VOICE_DAYS && isWorse(compareDays(seen), DAYS_LEVEL);
}

/** One hour that is over: what was said of it, and what came. */
export interface HeardHour {
  readonly plain: number;
  readonly joined: number;
  /** The provider's own forecast of it, 0 to 1 and mm. */
  readonly provider: { readonly probability: number | null; readonly precipMm: number | null };
  readonly rained: boolean;
}

/** Evidence at which the joined probability falls silent, and to which it has to go back before it speaks again. */
const REFUTED_AT = 3.25;
const RESTORED_AT = 1;

/** More is not kept, so that the voice comes back within days once the fault is over. */
const MOST_EVIDENCE = 4;

/** What one hour can add or take, so that no single one decides. */
const HOUR_BOUND = 0.5;

/** A probability is never taken to be surer than this. */
const SUREST = 0.005;

/** Hours in a row at 0% (or 100%) after which forecasts may be stuck, and contradicting ones in a row that prove it. */
const STANDING = {
  dry: { hours: 30, contradicted: 2 },
  wet: { hours: 4, contradicted: 3 },
} as const;

const NOTHING_HEARD: Heard = { evidence: 0, refuted: false, standing: null };

/**
 * Goes on from what was heard before by one hour.
 *
 * The evidence is a cumulative sum of log-likelihood ratios of the plain probability against the middle of both, begun
 * anew whenever it falls below nothing: where the truth lies in the middle or on the joined side, its exponential is a
 * supermartingale between beginnings, so that it seldom grows. Forecasts that stand still at 0 or 100% give little
 * evidence by their probabilities; that they don't move while rain comes, or does not, is evidence of its own.
 */
export function hear(before: Heard | undefined, hour: HeardHour): Heard {
  const { evidence, refuted, standing } = before ?? NOTHING_HEARD;
  const sum = bounded(evidence + evidenceOf(hour), 0, MOST_EVIDENCE);
  return {
    evidence: sum,
    refuted: sum >= REFUTED_AT || (refuted && sum > RESTORED_AT),
    standing: stand(standing, hour),
  };
}

/** Whether the plain probability is to speak, by the hours. */
export function isRefuted(heard: Heard | undefined): boolean {
  return heard !== undefined && (heard.refuted || heard.standing?.refuted === true);
}

function evidenceOf({ plain, joined, rained }: HeardHour): number {
  const ofOutcome = (p: number) => bounded(rained ? p : 1 - p, SUREST, 1 - SUREST);
  const ratio = ofOutcome(plain) / ofOutcome((plain + joined) / 2);
  return bounded(Math.log(ratio), -HOUR_BOUND, HOUR_BOUND);
}

function stand(before: Heard['standing'], { provider, rained }: HeardHour): Heard['standing'] {
  const { probability, precipMm } = provider;
  if (probability !== 0 && probability !== 1) return null;
  const stood = before?.probability === probability && before.precipMm === precipMm ? before : null;
  const hours = (stood?.hours ?? 0) + 1;
  const contradicted = rained === (probability === 0) ? (stood?.contradicted ?? 0) + 1 : 0;
  const limits = probability === 0 ? STANDING.dry : STANDING.wet;
  const proven = hours >= limits.hours && contradicted >= limits.contradicted;
  return { probability, precipMm, hours, contradicted, refuted: stood?.refuted === true || proven };
}

function bounded(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
