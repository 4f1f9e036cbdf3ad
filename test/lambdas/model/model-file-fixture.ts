import { parseModel, type RainModel } from '../../../lambdas/model/model-file';
import { featureNames } from '../../../lambdas/model/neighbours';

/** The smallest model file that this code accepts: it says "rain" with the probability of `wet_now`'s weight. */
export function modelFile(location: string, version: string): RainModel {
  return parseModel({
    schemaVersion: 3,
    location,
    version,
    codeVersion: 'test',
    neighbours: [],
    featureNames: [...featureNames(0)],
    recipe: {
      featureGroups: ['rain'],
      windowRows: 12_000,
      kernel: 'rbf',
      members: [{ c: 1, gammaScale: 1, positiveWeight: 1 }],
      linear: null,
      calibration: 'logistic',
      solver: 'smo',
    },
    preprocessing: {
      columns: [{ feature: 'temp_c', median: 10, lower: -20, upper: 40, mean: 10, deviation: 5 }],
      indicators: [],
    },
    supportVectors: { rows: 1, columns: 1, values: floats([0]) },
    members: [{ gamma: 1, intercept: 0, coefficients: floats([1]) }],
    linear: null,
    calibration: { kind: 'logistic', always: { intercept: -1, weights: [1] } },
    joined: null,
    recalibration: null,
    threshold: 0.5,
    persistence: { probabilityAfterWet: 0.6, probabilityAfterDry: 0.04, probability: 0.08 },
    training: {
      from: '2013-01-01T00:00:00Z',
      to: '2013-10-31T22:00:00Z',
      rows: 7_000,
      rainRows: 500,
      dataFingerprint: '0'.repeat(64),
    },
    metrics: {
      hours: 1_400,
      rainHours: 100,
      averagePrecision: 0.7,
      onsetAveragePrecision: 0.2,
      brier: 0.03,
      persistenceBrier: 0.034,
    },
  });
}

/** Numbers as a model file keeps them. */
export function floats(values: readonly number[]): string {
  return Buffer.from(Float32Array.from(values).buffer).toString('base64');
}
