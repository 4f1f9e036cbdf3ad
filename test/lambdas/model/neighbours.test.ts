import fc from 'fast-check';
import { OWN_FEATURE_NAMES } from '../../../lambdas/model/features';
import {
  FEATURES,
  featureNames,
  NEIGHBOUR_SLOTS,
  utteranceOf,
  withNeighbours,
} from '../../../lambdas/model/neighbours';

/** A place's own features, all of them known; a test says what matters. */
function placeWith(known: Readonly<Record<string, number>>): Float64Array {
  return Float64Array.from(OWN_FEATURE_NAMES, (name) => known[name] ?? 0);
}

/** Features of a place with some neighbours, by name; one that is undefined is silent. */
function row(own: Float64Array, neighbours: readonly (Float64Array | undefined)[]): Record<string, number> {
  const values = withNeighbours(
    own,
    neighbours.map((features) => features && utteranceOf(features)),
  );
  const names = featureNames(neighbours.length);
  expect(values).toHaveLength(names.length);
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? Number.NaN]));
}

const dry = placeWith({ pressure_mb: 1012, humidity_pct: 60 });
const wet = placeWith({
  rained: 1,
  log_precip_now: Math.log1p(3),
  wet_share_3h: 1,
  pressure_mb: 1010,
  humidity_pct: 90,
});

describe('what neighbours say', () => {
  it('is their mean without the place itself, and each one beside the mean of all', () => {
    const features = row(dry, [wet, dry]);
    expect(features.neighbours_wet_share).toBe(1 / 2);
    expect(features.neighbours_wet_share_3h).toBe(1 / 2);
    expect(features.neighbours_log_precip).toBeCloseTo(Math.log1p(3) / 2, 12);
    expect(features.neighbours_humidity_pct).toBe(75);
    expect(features.neighbours_pressure_difference).toBe(-1);
    expect(features.neighbour_1_rained).toBeCloseTo(1 - 1 / 3, 12);
    expect(features.neighbour_2_rained).toBeCloseTo(0 - 1 / 3, 12);
  });

  it('is "as the others" of one that falls silent in rain, and never "dry"', () => {
    const spoken = row(wet, [wet, wet]);
    const silenced = row(wet, [undefined, wet]);
    expect(silenced.neighbours_wet_share).toBe(1);
    expect(silenced.neighbour_1_rained).toBe(0);
    expect(silenced).toEqual(spoken);
    // A neighbour that says it is dry is another matter.
    expect(row(wet, [dry, wet]).neighbour_1_rained).toBeCloseTo(-2 / 3, 12);
  });

  it('is unknown on average, and nothing in particular, when all are silent', () => {
    const features = row(wet, [undefined, undefined]);
    expect(features.neighbours_wet_share).toBeNaN();
    expect(features.neighbours_pressure_difference).toBeNaN();
    expect(features.neighbour_1_rained).toBe(0);
    expect(features.neighbour_2_pressure_mb_change_3h).toBe(0);
  });

  it('leaves out what one does not know, and what is beyond any measurement', () => {
    const halfDeaf = Float64Array.from(wet);
    halfDeaf[OWN_FEATURE_NAMES.indexOf('humidity_pct')] = Number.NaN;
    const wild = Float64Array.from(wet);
    wild[OWN_FEATURE_NAMES.indexOf('humidity_pct')] = 1e300;
    for (const one of [halfDeaf, wild]) {
      expect(row(dry, [one, wet]).neighbours_humidity_pct).toBe(90);
      expect(row(dry, [one]).neighbours_humidity_pct).toBeNaN();
      expect(row(dry, [one]).neighbours_wet_share).toBe(1);
    }
  });

  it('is finite or unknown for any places', () => {
    const features = fc
      .array(fc.oneof(fc.double(), fc.constantFrom(Number.NaN, 1e12, -1e300, 0)), {
        minLength: OWN_FEATURE_NAMES.length,
        maxLength: OWN_FEATURE_NAMES.length,
      })
      .map((values) => Float64Array.from(values, (value) => (Number.isFinite(value) ? value : Number.NaN)));
    fc.assert(
      fc.property(features, fc.array(fc.option(features), { maxLength: NEIGHBOUR_SLOTS }), (own, others) => {
        const values = withNeighbours(
          own,
          others.map((other) => (other === null ? undefined : utteranceOf(other))),
        );
        const added = values.slice(own.length);
        expect(added.every((value) => Number.isFinite(value) || Number.isNaN(value))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the feature list', () => {
  it('names each feature once, and grows with the neighbours', () => {
    const names = FEATURES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(featureNames(NEIGHBOUR_SLOTS)).toEqual(names);
    expect(featureNames(3)).toEqual(names.slice(0, featureNames(3).length));
    for (const { name, description } of FEATURES) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(description.length).toBeGreaterThan(8);
    }
  });
});
