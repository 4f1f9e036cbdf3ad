import { type Feature, OWN_FEATURE_NAMES, OWN_FEATURES } from './features';

/** Neighbours that one model names, at most. */
export const NEIGHBOUR_SLOTS = 8;

/**
 * What a neighbour says of itself, all of which a model looks at: features of its own hour, by their names. A training
 * set holds them beside the place's own features, a forecast takes them from the neighbour's row of the same query.
 */
export const SPOKEN = [
  'rained',
  'log_precip_now',
  'log_precip_1h_ago',
  'log_precip_2h_ago',
  'wet_share_3h',
  'hours_since_rain',
  'humidity_pct',
  'humidity_pct_change_3h',
  'dewpoint_depression_c',
  'pressure_mb',
  'pressure_mb_change_3h',
  'visibility_km',
  'wind_u_kph',
  'wind_v_kph',
] as const;
type Spoken = (typeof SPOKEN)[number];

/** What one place said, in the order of SPOKEN; NaN where it does not know. Undefined when it was silent. */
export type Utterance = ArrayLike<number> | undefined;

const mean = (name: string, of: Spoken, description: string, above = false) => ({
  of: SPOKEN.indexOf(of),
  /** Whether the place's own value is taken off. */
  above,
  feature: { name, group: 'neighbours', description } satisfies Feature,
});

const MEANS = [
  mean('neighbours_wet_share', 'rained', 'share of the neighbours where it rained in hour t'),
  mean(
    'neighbours_wet_share_3h',
    'wet_share_3h',
    "mean of the neighbours' shares of wet hours in the last 3 hours",
  ),
  mean(
    'neighbours_log_precip',
    'log_precip_now',
    'mean of ln(1 + precipitation of hour t in mm) of the neighbours',
  ),
  mean('neighbours_humidity_pct', 'humidity_pct', "mean of the neighbours' relative humidity, %"),
  mean('neighbours_visibility_km', 'visibility_km', "mean of the neighbours' visibility, km"),
  mean(
    'neighbours_pressure_difference',
    'pressure_mb',
    "mean of the neighbours' pressure above the own, mb",
    true,
  ),
  mean(
    'neighbours_pressure_change_3h',
    'pressure_mb_change_3h',
    "mean of the neighbours' changes of pressure over the last 3 h, mb",
  ),
];

const FIXED: readonly Feature[] = [...OWN_FEATURES, ...MEANS.map(({ feature }) => feature)];

const ofNeighbour = (neighbour: number): Feature[] =>
  SPOKEN.map((name) => ({
    name: `neighbour_${neighbour + 1}_${name}`,
    group: 'each-neighbour',
    description: `${name} of neighbour ${neighbour + 1} above the mean of all places that know it, the own included`,
  }));

/** What models may look at, whatever they name: the place's own features, the neighbours' mean, then each neighbour. */
export const FEATURES: readonly Feature[] = [
  ...FIXED,
  ...Array.from({ length: NEIGHBOUR_SLOTS }, (_, neighbour) => ofNeighbour(neighbour)).flat(),
];

const ALL_NAMES = FEATURES.map(({ name }) => name);

/**
 * Columns of a model that names so many neighbours, in the order of the model file. Changing them refuses every older
 * model.
 */
export function featureNames(neighbours: number): readonly string[] {
  return ALL_NAMES.slice(0, FIXED.length + neighbours * SPOKEN.length);
}

const OWN_PLACES = SPOKEN.map((name) => OWN_FEATURE_NAMES.indexOf(name));

/** What a place says to others, from its own features in the order of OWN_FEATURES. */
export function utteranceOf(own: ArrayLike<number>): Float64Array {
  return Float64Array.from(OWN_PLACES, (place) => own[place] ?? Number.NaN);
}

/** Beyond any measurement: one wild value must not be heard. */
const WILD = 1e12;

/**
 * A model's whole row from the place's own features and what its neighbours said of the same hour, in the order in
 * which the model names them. Training and forecasting both make their rows here.
 *
 * The mean is over the neighbours that know a value, and unknown when none does. Each neighbour's own value is its
 * difference from the mean of all that know it, the place itself included: what is missing is 0, which says "as the
 * others", and never "dry". Whoever is not named has no part in it.
 */
export function withNeighbours(own: ArrayLike<number>, neighbours: readonly Utterance[]): Float64Array {
  const row = new Float64Array(FIXED.length + neighbours.length * SPOKEN.length);
  row.set(own);
  const mine = utteranceOf(own);
  const sums = new Float64Array(SPOKEN.length);
  const counts = new Uint8Array(SPOKEN.length);
  const heard = (speaker: Utterance, measure: number) => {
    const value = speaker?.[measure];
    return value !== undefined && Math.abs(value) < WILD ? value : Number.NaN;
  };
  for (const speaker of neighbours) {
    for (let measure = 0; measure < SPOKEN.length; measure++) {
      const value = heard(speaker, measure);
      if (Number.isNaN(value)) continue;
      sums[measure] = (sums[measure] ?? 0) + value;
      counts[measure] = (counts[measure] ?? 0) + 1;
    }
  }
  let at = own.length;
  for (const { of, above } of MEANS) {
    // 0 / 0 is unknown.
    row[at++] = (sums[of] ?? 0) / (counts[of] ?? 0) - (above ? heard(mine, of) : 0);
  }
  for (const speaker of neighbours) {
    for (let measure = 0; measure < SPOKEN.length; measure++) {
      const value = heard(speaker, measure);
      const ours = heard(mine, measure);
      const known = (counts[measure] ?? 0) + (Number.isNaN(ours) ? 0 : 1);
      const all = (sums[measure] ?? 0) + (Number.isNaN(ours) ? 0 : ours);
      row[at++] = Number.isNaN(value) ? 0 : value - all / known;
    }
  }
  return row;
}
