import { type Calibration, type CalibrationKind, calibrate, fitCalibration } from './calibration';
import { countEpisodes } from './evaluation';
import { fitScaled, type Logistic, logits, smoothedTargets } from './logistic';
import { type Matrix, selectLabels, selectRows, selectValues, sideBySide } from './matrix';

/**
 * Calibrations for what was known of an hour: told by history, or by polls, whose rain is off from what comes to be true.
 * Forecasts are made from polls; most of what is learnt from was told by history.
 */
export interface KnownCalibration {
  readonly settled: Calibration;
  readonly polled: Calibration;
}

/** Hours that a calibration is fitted on, or is to say something of. */
export interface CalibrationHours {
  /** ms since the epoch, ascending. */
  readonly hours: Float64Array;
  readonly outcomes: Uint8Array;
  readonly wetNow: Float64Array;
  /** 1 where polls told what was known of the hour, else 0. */
  readonly polled: Uint8Array;
}

/** Rain that polled hours must hold before the calibration is fitted on them. */
const POLLED_RAIN_HOURS = 40;
const POLLED_EPISODES = 8;

/** Draws the calibration of polled hours, in standard deviations of the decision values, to that of all hours. */
const RIDGE = 1;

/**
 * Fits a calibration on all hours and, once those that polls told hold 40 rain hours in eight episodes, another one on
 * them, beginning from the first.
 */
export function fitKnown(
  kind: CalibrationKind,
  members: Matrix,
  { hours, outcomes, wetNow, polled }: CalibrationHours,
  near?: KnownCalibration,
): KnownCalibration {
  const settled = fitCalibration(kind, members, outcomes, wetNow, near?.settled);
  const rows = Uint32Array.from(polled.keys()).filter((i) => polled[i] === 1);
  const told = selectLabels(outcomes, rows);
  const rain = told.reduce((sum, y) => sum + y, 0);
  const times = selectValues(hours, rows);
  const enough = rain >= POLLED_RAIN_HOURS && countEpisodes(times, told) >= POLLED_EPISODES;
  // Where polls told all of them, that is what has been fitted.
  if (!enough || rows.length === polled.length) return { settled, polled: settled };
  const x = selectRows(members, rows);
  const wet = selectValues(wetNow, rows);
  const offset = logits(calibrate(settled, x, wet));
  // What a poll calls wet may be dry, and the other way round: that shifts one curve against the other.
  const inputs = kind === 'logistic-by-present' ? sideBySide(x, flags(wet)) : x;
  const correction = fitScaled(inputs, smoothedTargets(told), RIDGE, { offset });
  return { settled, polled: corrected(settled, correction) };
}

/** Plain probabilities of some hours, each by the calibration for who told of it. */
export function calibrateKnown(
  { settled, polled }: KnownCalibration,
  members: Matrix,
  hours: Pick<CalibrationHours, 'wetNow' | 'polled'>,
): Float64Array {
  const bySettled = calibrate(settled, members, hours.wetNow);
  if (polled === settled) return bySettled;
  const byPolled = calibrate(polled, members, hours.wetNow);
  return bySettled.map((p, i) => (hours.polled[i] === 1 ? (byPolled[i] ?? Number.NaN) : p));
}

function flags(wetNow: Float64Array): Matrix {
  return { rows: wetNow.length, columns: 1, values: wetNow.map((wet) => (wet === 1 ? 1 : 0)) };
}

/** A calibration with something added to the logit. */
function corrected(calibration: Calibration, correction: Logistic): Calibration {
  const add = ({ intercept, weights }: Logistic, more = 0): Logistic => ({
    intercept: intercept + correction.intercept + more,
    weights: weights.map((weight, m) => weight + (correction.weights[m] ?? Number.NaN)),
  });
  switch (calibration.kind) {
    case 'logistic':
      return { kind: 'logistic', always: add(calibration.always) };
    case 'logistic-by-present':
      return {
        kind: calibration.kind,
        wet: add(calibration.wet, correction.weights[calibration.wet.weights.length]),
        dry: add(calibration.dry),
      };
    case 'none':
      return { kind: 'logistic', always: add({ intercept: 0, weights: [1] }) };
  }
}
