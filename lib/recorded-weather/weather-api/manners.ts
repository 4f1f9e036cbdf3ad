import { seededRandom } from '../../local/random';

/**
 * What `current.precip_mm` speaks of. Real providers differ by version and place, so no part of Garoa may build on
 * one of these unmeasured: the table `provider_agreement` tells them apart.
 *
 * - `running-hour`: the provider's model of the clock hour in progress, the same in every poll of it
 * - `trailing-hour`: the sixty minutes before the reading
 * - `previous-hour`: the clock hour before
 * - `growing`: what has fallen since the clock hour began
 */
export const CURRENT_RAIN = ['running-hour', 'trailing-hour', 'previous-hour', 'growing'] as const;
export type CurrentRain = (typeof CURRENT_RAIN)[number];

/** How the local weather API departs from the recording. All of it is repeatable. */
export interface Manners {
  readonly currentRain: CurrentRain;
  /** Whether the model of the running hour errs as `MODEL_ERROR` says; else it says what history will say. */
  readonly modelErrs: boolean;
  /** Hours at the end of an unsettled day that its history may lack: none to this many. */
  readonly latestHoursLacking: number;
  /** Days back for which the plan sells history; 0 for a plan without. */
  readonly historyDays: number;
  readonly seed: string;
}

/** The default: what real providers were seen to do. */
export const REAL_MANNERS: Manners = {
  currentRain: 'running-hour',
  modelErrs: true,
  latestHoursLacking: 3,
  historyDays: Number.POSITIVE_INFINITY,
  seed: 'manners',
};

/** Polls and history say the same from their first minute: for tests of something else. */
export const NO_ERRORS: Manners = { ...REAL_MANNERS, modelErrs: false, latestHoursLacking: 0 };

/**
 * How far the provider's model of a running hour is off from what its settled history says later. The figures are
 * an assumption, made up openly: no provider publishes them, and the agreement that Garoa measures on a real one
 * takes their place. A false alarm looks back and never ahead, so that no error tells of rain to come.
 */
export const MODEL_ERROR = {
  /** Share of wet hours that the model calls dry. */
  missed: 0.12,
  /** Share of dry hours that it calls wet: after a wet hour, and otherwise. */
  falseAfterRain: 0.1,
  falseElsewhere: 0.01,
  /** Standard deviation of the logarithm of the factor on a wet hour's amount. */
  spread: 0.4,
  /** Median amount of a false alarm, in mm; its logarithm spreads alike. */
  falseAmount: 0.3,
} as const;

const WET_MM = 0.1;

/**
 * Rain of an hour as the provider's model has it while the hour runs and until history is settled, in mm.
 * @param truth what settled history will say, in mm
 * @param before the same of the hour before; null when unknown
 * @param hour names place and hour, for the seed
 */
export function modelledRain(truth: number, before: number | null, hour: string, manners: Manners): number {
  if (!manners.modelErrs) return truth;
  const random = seededRandom(`${manners.seed}:rain:${hour}`);
  const chance = random();
  const factor = Math.exp(MODEL_ERROR.spread * standardNormal(random));
  if (truth >= WET_MM) return chance < MODEL_ERROR.missed ? 0 : hundredths(truth * factor);
  const afterRain = before !== null && before >= WET_MM;
  const falseAlarm = afterRain ? MODEL_ERROR.falseAfterRain : MODEL_ERROR.falseElsewhere;
  return chance < falseAlarm ? hundredths(WET_MM + MODEL_ERROR.falseAmount * factor) : truth;
}

/** How many of the last hours an unsettled history lacks. */
export function hoursLacking(day: string, { seed, latestHoursLacking }: Manners): number {
  return Math.floor(seededRandom(`${seed}:lacking:${day}`)() * (latestHoursLacking + 1));
}

/** By Box and Muller. */
function standardNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Both providers give amounts with two decimals at most. */
function hundredths(amount: number): number {
  return Math.round(amount * 100) / 100;
}

/** For the terminal: how the weather API behaves, in one line. */
export function describeManners({
  currentRain,
  modelErrs,
  latestHoursLacking,
  historyDays,
}: Manners): string {
  const error = modelErrs
    ? `wrong as a model is (misses ${percent(MODEL_ERROR.missed)} of wet hours, ${percent(MODEL_ERROR.falseAfterRain)} false after rain)`
    : 'never wrong';
  const history =
    historyDays === 0
      ? 'the plan sells no history'
      : `history provisional for a day${latestHoursLacking > 0 ? `, up to ${latestHoursLacking} hours late` : ''}`;
  return `current rain is that of the ${currentRain.replace('-', ' ')}, ${error}; ${history}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
