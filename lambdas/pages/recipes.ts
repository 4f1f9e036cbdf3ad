import type { Recipe } from '../model/recipe';
import { count } from './words';

const list = new Intl.ListFormat('en-GB');
const KERNELS: Readonly<Record<Recipe['kernel'], string>> = { rbf: 'RBF', laplacian: 'Laplacian' };
const CALIBRATIONS: Readonly<Record<Recipe['calibration'], string>> = {
  logistic: 'logistic calibration',
  'logistic-by-present': 'logistic calibration by rain now',
  none: 'no calibration',
};

/** All of a recipe in one line; for the page of a place. */
export function recipeInWords(recipe: Recipe): string {
  return [...Object.values(traitsOf(recipe)), `features ${recipe.featureGroups.join(' + ')}`].join(' · ');
}

/** What a recipe has that the chosen one has not, and the other way round; for the page of a place. */
export function differenceInWords(recipe: Recipe, chosen: Recipe): string {
  if (isSame(recipe, chosen)) return 'the chosen recipe';
  const [own, its] = [traitsOf(recipe), traitsOf(chosen)];
  const traits = TRAITS.filter((trait) => own[trait] !== its[trait]).map((trait) => own[trait]);
  const more = recipe.featureGroups.filter((group) => !chosen.featureGroups.includes(group));
  const less = chosen.featureGroups.filter((group) => !recipe.featureGroups.includes(group));
  // Of few groups, what there is says it in fewer words than what is not.
  const features =
    less.length >= recipe.featureGroups.length
      ? [`features ${recipe.featureGroups.join(' + ')}`]
      : [...more.map((group) => `with ${group}`), ...less.map((group) => `without ${group}`)];
  return [...traits, ...features].join(' · ');
}

export function isSame(a: Recipe, b: Recipe): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

const TRAITS = ['kernel', 'logistic', 'window', 'calibration'] as const;

function traitsOf(recipe: Recipe): Readonly<Record<(typeof TRAITS)[number], string>> {
  const { linear, windowRows, calibration } = recipe;
  return {
    kernel: classifiersInWords(recipe),
    logistic: linear === null ? 'no logistic regression' : `logistic regression, ridge ${linear.ridge}`,
    window: `newest ${count(windowRows, 'hour')}`,
    calibration: CALIBRATIONS[calibration],
  };
}

/** Classifiers of one shape are said once, with the weights they give to rain. */
function classifiersInWords({ kernel, members, solver }: Recipe): string {
  if (members.length === 0) return 'no classifier';
  const weights = new Map<string, (number | string)[]>();
  for (const { c, gammaScale, positiveWeight } of members) {
    const shape = `C ${c}, γ ${gammaScale === 'variance' ? 'by variance' : `${gammaScale}/d`}`;
    weights.set(shape, [...(weights.get(shape) ?? []), positiveWeight]);
  }
  const shapes = [...weights].map(
    ([shape, values]) => `${shape}, rain weighted ${list.format(values.map(String))}`,
  );
  return `${KERNELS[kernel]} kernel, ${shapes.join('; ')}${solver === 'libsvm' ? ', by libsvm' : ''}`;
}
