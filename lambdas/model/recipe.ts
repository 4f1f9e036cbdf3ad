import * as z from 'zod';
import { CALIBRATION_KINDS } from './calibration';
import { FEATURE_GROUPS, type FeatureGroup } from './features';
import { FEATURES } from './neighbours';
import type { RowRange } from './protocol';
import type { TrainingSet } from './training-set';

/** A feature group, or the dozen features that a few weeks of hours can bear. */
const RECIPE_GROUPS = [...FEATURE_GROUPS, 'few'] as const;

const memberSchema = z.strictObject({
  c: z.number().positive(),
  /**
   * γ times the number of prepared columns, so that it means the same for any number of features; `variance`: what
   * scikit-learn calls `scale`.
   */
  gammaScale: z.number().positive().or(z.literal('variance')),
  /** `balanced`: both classes weigh the same, and the mean weight of a row is 1. */
  positiveWeight: z.number().positive().or(z.literal('balanced')),
});

/** Everything about a model that is chosen. Two recipes are compared by fitting both on the same rows. */
export const recipeSchema = z
  .strictObject({
    featureGroups: z.array(z.enum(RECIPE_GROUPS)).min(1),
    /** The newest rows that a fit sees, at most. */
    windowRows: z.int().positive(),
    kernel: z.enum(['rbf', 'laplacian']),
    /** One classifier each; their decision values are joined by the calibration. */
    members: z.array(memberSchema).max(5),
    /** A logistic regression on the same columns, shrunk towards persistence: the last member, its logit one more value. */
    linear: z.strictObject({ ridge: z.number().positive() }).nullable(),
    calibration: z.enum(CALIBRATION_KINDS),
    /** Who fits the classifiers: `smo/`, or libsvm-js, as people do. */
    solver: z.enum(['smo', 'libsvm']),
  })
  .refine(({ members, linear }) => members.length > 0 || linear !== null, 'a recipe has a member');
export type Recipe = z.infer<typeof recipeSchema>;

/** Features of the first rung: what says most about the next hour anywhere. */
const FEW: ReadonlySet<string> = new Set([
  'rained',
  'log_precip_now',
  'wet_share_3h',
  'wet_share_6h',
  'hours_since_rain',
  'humidity_pct',
  'dewpoint_depression_c',
  'visibility_km',
  'cloud_pct',
  'pressure_mb_change_3h',
  'humidity_pct_change_3h',
  'neighbours_wet_share',
]);

/** Names of the features that a recipe looks at. */
export function featuresOf({ featureGroups }: Pick<Recipe, 'featureGroups'>): Set<string> {
  const groups: ReadonlySet<string> = new Set(featureGroups);
  return new Set(
    FEATURES.filter(({ name, group }) => groups.has(group) || (groups.has('few') && FEW.has(name))).map(
      ({ name }) => name,
    ),
  );
}

/** Groups with at least one feature that is known in some row of the development part; the test part is not looked at. */
export function knownGroups(set: TrainingSet, development: RowRange): FeatureGroup[] {
  const { columns, values } = set.x;
  const end = development.end * columns;
  const isKnown = (column: number) => {
    for (let at = development.start * columns + column; at < end; at += columns) {
      if (!Number.isNaN(values[at])) return true;
    }
    return false;
  };
  const known = new Set<FeatureGroup>();
  for (const { name, group } of FEATURES) {
    const column = set.featureNames.indexOf(name);
    if (!known.has(group) && column >= 0 && isKnown(column)) known.add(group);
  }
  return FEATURE_GROUPS.filter((group) => known.has(group));
}

/** A year and a half: what is not longer is searched as it is. */
const SHORT_HISTORY_ROWS = 12_000;
/** Of a longer history the first rounds see eleven months: four classifiers learn them in a second, so many recipes can be compared. */
const COARSE_WINDOW_ROWS = 8_000;
/** Five and a half years, and as long as any training set: for the best recipes of histories that have as much. */
const LONG_WINDOW_ROWS = 48_000;
const WHOLE_HISTORY_ROWS = 200_000;

type Members = Recipe['members'];

/**
 * The first rung of the ladder: all there is to learn from a few weeks. The ridge draws its dozen weights towards
 * persistence as if some thirty hours of each kind had spoken for it.
 */
export const FIRST_RUNG: Recipe = {
  featureGroups: ['few'],
  windowRows: LONG_WINDOW_ROWS,
  kernel: 'rbf',
  members: [],
  linear: { ridge: 30 },
  calibration: 'none',
  solver: 'smo',
};

/** Of the logistic regression among the baselines: the folds choose. */
const BASELINE_RIDGES = [10, 100, 1_000] as const;

/** Newest rows of the plain SVC: libsvm-js learns them in a second or two. */
const PLAIN_SVC_ROWS = 4_000;

/** Recipes that people would take instead; they are measured like all others, and never chosen. */
export interface BaselineRecipes {
  /** One for each ridge. */
  readonly logisticRegression: readonly Recipe[];
  /** The classifier of the usual tutorial: RBF, C = 1, γ by the variance, balanced, Platt's calibration. */
  readonly plainSvc: readonly Recipe[];
}

/** @param featureGroups groups of which something is known, from `knownGroups`. */
export function baselineRecipes(featureGroups: readonly FeatureGroup[]): BaselineRecipes {
  const common: Pick<Recipe, 'featureGroups' | 'kernel' | 'calibration'> = {
    featureGroups: [...featureGroups],
    kernel: 'rbf',
    calibration: 'logistic',
  };
  if (featureGroups.length === 0) return { logisticRegression: [], plainSvc: [] };
  return {
    logisticRegression: BASELINE_RIDGES.map((ridge) => ({
      ...common,
      windowRows: LONG_WINDOW_ROWS,
      members: [],
      linear: { ridge },
      solver: 'smo',
    })),
    plainSvc: [
      {
        ...common,
        windowRows: PLAIN_SVC_ROWS,
        members: [{ c: 1, gammaScale: 'variance', positiveWeight: 'balanced' }],
        linear: null,
        solver: 'libsvm',
      },
    ],
  };
}

/**
 * Class weights of an ensemble. Each classifier sees best near its own balance of misses and false alarms; together
 * they draw the whole curve. Weight 1 is no oversampling; 16 about balances a climate with 6% of rain.
 */
const WEIGHTS = [0.5, 2, 8, 32] as const;

const members = (c: number, gammaScale: number, weights: readonly number[] = WEIGHTS): Members =>
  weights.map((positiveWeight) => ({ c, gammaScale, positiveWeight }));

/** Two widths of kernel: the wide one sees what kind of day it is, the narrow one what is special about this hour. */
const TWO_WIDTHS: Members = [...members(1, 0.5, [0.5, 4]), ...members(0.3, 2, [2, 16])];

/** What tells an hour's like from others everywhere; the day before and the season are noise where years are few. */
const FRESH: readonly FeatureGroup[] = ['state', 'rain', 'change', 'clock', 'neighbours', 'each-neighbour'];

interface Candidate {
  readonly groups?: readonly FeatureGroup[];
  readonly kernel?: Recipe['kernel'];
  readonly members?: Members;
  readonly linear?: Recipe['linear'];
  readonly calibration?: Recipe['calibration'];
}

const without = (...groups: readonly FeatureGroup[]) => FRESH.filter((other) => !groups.includes(other));

/** Ridge of the logistic regression among an ensemble's members: strong, since the classifiers see the details. */
const MEMBER_RIDGE = 100;

/**
 * Around γ = 1/d, C = 0.3: with standardised features that is a kernel as wide as the data, and the smooth side of
 * every station tried. The most promising first, so that a short search is a good one.
 */
const CANDIDATES: readonly Candidate[] = [
  {},
  { linear: null },
  { calibration: 'logistic' },
  { groups: [...FRESH, 'season'] },
  { groups: [...FRESH, 'past'] },
  { groups: FEATURE_GROUPS },
  { groups: without('each-neighbour') },
  { groups: without('neighbours', 'each-neighbour') },
  { groups: without('clock') },
  { members: members(1, 0.25) },
  { members: members(0.3, 0.5) },
  { members: members(1, 0.5) },
  { kernel: 'rbf', members: members(1, 0.05) },
  { members: members(0.3, 0.5, [1]), calibration: 'logistic' },
];

/**
 * The first round of a search: the first rung, then recipes to try, at most `count` in all, the most promising first;
 * the same for the same arguments. Candidates that come to the same for this location (no neighbours) are there once.
 * @param featureGroups groups of which something is known, from `knownGroups`.
 * @param rows of the development part.
 * The inspect step calls it, and passes each recipe to a score step.
 */
export function candidateRecipes(
  count: number,
  featureGroups: readonly FeatureGroup[],
  rows: number,
): Recipe[] {
  const recipes = CANDIDATES.map(
    ({
      groups = FRESH,
      kernel = 'laplacian',
      members = TWO_WIDTHS,
      linear = { ridge: MEMBER_RIDGE },
      calibration = 'logistic-by-present',
    }): Recipe => ({
      featureGroups: featureGroups.filter((group) => groups.includes(group)),
      windowRows: rows > SHORT_HISTORY_ROWS ? COARSE_WINDOW_ROWS : SHORT_HISTORY_ROWS,
      kernel,
      members,
      linear,
      calibration,
      solver: 'smo',
    }),
  ).filter((recipe) => recipe.featureGroups.length > 0);
  return [FIRST_RUNG, ...distinct(recipes, []).slice(0, count)];
}

/** A recipe with the C and γ of all its members multiplied. */
function scaled(recipe: Recipe, c: number, gamma: number): Recipe {
  return {
    ...recipe,
    members: recipe.members.map((member) => ({
      ...member,
      c: rounded(member.c * c),
      gammaScale: member.gammaScale === 'variance' ? member.gammaScale : rounded(member.gammaScale * gamma),
    })),
  };
}

/** Baselines that did better than the best recipe of the first round. */
export interface BetterBaselines {
  readonly logisticRegression?: Recipe;
  readonly plainSvc?: Recipe;
}

/**
 * A later round of a search, from the best recipe of the rounds before: the first looks at its neighbours in C and γ,
 * the second at a longer window, where more rows may bear more features or a narrower kernel, the third at the whole
 * history. A baseline that did better gives its members first. Empty when nothing is left to try.
 * The refine step calls it, and passes each recipe to a score step.
 * @param round 1 for the round after `candidateRecipes`.
 * @param tried all recipes of the rounds before; none of them is tried again, and with them `count` is not exceeded.
 */
export function refinedRecipes(
  round: number,
  best: Recipe,
  tried: readonly Recipe[],
  count: number,
  rows: number,
  better: BetterBaselines = {},
): Recipe[] {
  const { logisticRegression, plainSvc } = better;
  const borrowed: readonly Recipe[] = [
    ...(logisticRegression === undefined ? [] : [{ ...best, linear: logisticRegression.linear }]),
    ...(plainSvc === undefined
      ? []
      : [{ ...best, kernel: plainSvc.kernel, members: [...plainSvc.members, ...members(1, 0.05, [2, 16])] }]),
  ];
  const longer = { ...best, windowRows: LONG_WINDOW_ROWS };
  const featureGroups = FEATURE_GROUPS.filter((group) =>
    tried.some((recipe) => recipe.featureGroups.includes(group)),
  );
  const closer = [scaled(best, 3, 1), scaled(best, 1 / 3, 1), scaled(best, 1, 2), scaled(best, 1, 0.5)];
  const rounds: Readonly<Record<number, readonly Recipe[]>> = {
    1: [...borrowed, ...closer],
    2: rows > SHORT_HISTORY_ROWS ? [longer, { ...longer, featureGroups }, scaled(longer, 1, 2)] : [],
    3: rows > LONG_WINDOW_ROWS ? [{ ...best, windowRows: WHOLE_HISTORY_ROWS }] : [],
  };
  // The first rung has nothing to vary, and none of the rows that would be added.
  if (best.members.length === 0) return [];
  return distinct(rounds[round] ?? [], tried).slice(0, Math.max(count - tried.length, 0));
}

/** Rounds of a search at most, the first included. */
export const SEARCH_ROUNDS = 4;

/** Two digits say all that matters of a hyperparameter, and read well on a page. */
function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

/** Each recipe once, without those that were tried. */
function distinct(recipes: readonly Recipe[], tried: readonly Recipe[]): Recipe[] {
  return recipes.filter(
    (recipe, i) => ![...tried, ...recipes.slice(0, i)].some((other) => sameRecipe(recipe, other)),
  );
}

/** Whether two recipes differ in the linear member and the calibration at most, so that their classifiers are the same. */
export function sameClassifiers(a: Recipe, b: Recipe): boolean {
  return sameRecipe({ ...a, linear: b.linear, calibration: b.calibration }, b);
}

/** Whether two recipes are one: both have the fields in the order of the schema. */
export function sameRecipe(a: Recipe, b: Recipe): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
