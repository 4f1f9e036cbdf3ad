import { ModelRefused, parseModel, predict, type RainModel } from '../../../lambdas/model/model-file';
import { featureNames } from '../../../lambdas/model/neighbours';
import { floats, modelFile } from './model-file-fixture';

const sound = modelFile('ewr', '20130501T000000Z-01234567');

const changed = (change: (model: RainModel) => unknown): unknown => change(structuredClone(sound));

describe('a model file', () => {
  it('is read as it was written', () => {
    expect(parseModel(JSON.parse(JSON.stringify(sound)))).toEqual(sound);
  });

  it.each([
    [
      'of a later schema',
      changed((model) => ({ ...model, schemaVersion: 4 })),
      /Not a model file of schema 3/,
    ],
    [
      'of an older schema, with the remedy,',
      { schemaVersion: 1, location: 'ewr', supportVectors: [[0]] },
      /older version of this code \(schema 1, now 3\)\. The next retraining replaces it; start one by hand/,
    ],
    ['that is cut off', JSON.parse('{"schemaVersion":3}'), /location/],
    ['that is no object', null, /Not a model file/],
    ['with a number that is none', changed((model) => ({ ...model, threshold: null })), /threshold/],
    ['with fields that nobody knows', changed((model) => ({ ...model, surprise: 1 })), /surprise/],
    [
      'with a feature that the code does not have',
      changed((model) => ({ ...model, featureNames: ['moon_phase', ...model.featureNames.slice(1)] })),
      new RegExp(`Feature 0 is moon_phase in the model and ${featureNames(0)[0]} in the code`),
    ],
    [
      'with fewer features',
      changed((model) => ({ ...model, featureNames: model.featureNames.slice(0, -1) })),
      /is absent in the model/,
    ],
    [
      'that names a neighbour of which it has no features',
      changed((model) => ({ ...model, neighbours: ['jfk'] })),
      /features, the code|is absent in the model/,
    ],
    [
      'with more features',
      changed((model) => ({ ...model, featureNames: [...model.featureNames, 'more'] })),
      /features, the code/,
    ],
    [
      'that prepares what is no feature',
      changed((model) => ({
        ...model,
        preprocessing: { ...model.preprocessing, indicators: ['moon_phase'] },
      })),
      /moon_phase, which is no feature/,
    ],
    [
      'with a damaged support vector',
      changed((model) => ({
        ...model,
        supportVectors: { ...model.supportVectors, values: model.supportVectors.values.replace('A', '?') },
      })),
      /not 1 rows of 1 columns/,
    ],
    [
      'with a support vector too few',
      changed((model) => ({ ...model, supportVectors: { ...model.supportVectors, rows: 2 } })),
      /not 2 rows of 1 columns/,
    ],
    [
      'with a coefficient too many',
      changed((model) => ({
        ...model,
        members: model.members.map((member) => ({ ...member, coefficients: floats([1, 1]) })),
      })),
      /Member 0/,
    ],
    [
      'with a logistic regression of other columns',
      changed((model) => ({
        ...model,
        linear: { persistence: model.persistence, logistic: { intercept: 0, weights: [1, 2] } },
      })),
      /does not have 1 weights/,
    ],
    [
      'with a calibration of other members',
      changed((model) => ({
        ...model,
        calibration: { kind: 'logistic', always: { intercept: 0, weights: [1, 2, 3, 4] } },
      })),
      /weight for each of/,
    ],
  ])('%s is refused with the reason', (_, json, reason) => {
    expect(() => parseModel(json)).toThrow(ModelRefused);
    expect(() => parseModel(json)).toThrow(reason);
  });

  it('forecasts rows with everything missing, and refuses other widths and infinities', () => {
    const missing = {
      rows: 2,
      columns: featureNames(0).length,
      values: new Float64Array(2 * featureNames(0).length).fill(Number.NaN),
    };
    const [first = Number.NaN, second = Number.NaN] = predict(sound, missing, null).plain;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(1);
    expect(second).toBe(first);
    expect(() => predict(sound, { rows: 1, columns: 2, values: new Float64Array(2) }, null).plain).toThrow(
      /2 features/,
    );
    const infinite = {
      ...missing,
      values: missing.values.map((_, i) => (i === 3 ? Number.NEGATIVE_INFINITY : 0)),
    };
    expect(() => predict(sound, infinite, null).plain).toThrow(`Feature ${featureNames(0)[3]} is infinite.`);
  });
});
