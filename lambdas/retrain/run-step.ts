import { inspect } from './inspect';
import { fail, keep, promoteVersion } from './outcome';
import { type PlanDependencies, plan } from './plan';
import { type PrepareDependencies, prepare } from './prepare';
import { type PublishDependencies, publish } from './publish';
import { refine } from './refine';
import { type RefitDependencies, refit } from './refit';
import { score } from './score';
import type { StepEvent } from './steps';
import { testRecipes } from './test-recipes';

export interface StepDependencies
  extends PlanDependencies,
    PrepareDependencies,
    PublishDependencies,
    RefitDependencies {
  /** Milliseconds until the invocation is stopped. */
  readonly remainingMs: () => number;
  readonly now: () => Date;
}

/** Left of an invocation's time for storing what a fit found. */
const RESERVED_MS = 20_000;

/** Carries out one step; what it returns is the output of its state. */
export async function runStep(dependencies: StepDependencies, event: StepEvent): Promise<unknown> {
  const fittingMs = () => Math.max(0, dependencies.remainingMs() - RESERVED_MS);
  switch (event.step) {
    case 'plan':
      return plan(dependencies, event);
    case 'prepare':
      return prepare(dependencies, event);
    case 'inspect':
      return inspect(dependencies, event);
    case 'score':
      return score(dependencies, event, fittingMs);
    case 'refine':
      return refine(dependencies, event);
    case 'test':
      return testRecipes(dependencies, event, fittingMs);
    case 'refit':
      return refit(dependencies, event, fittingMs);
    case 'promote':
      return promoteVersion(dependencies, event, dependencies.now);
    case 'keep':
      return keep(dependencies, event);
    case 'fail':
      return fail(dependencies, event);
    case 'publish':
      return publish(dependencies, event);
  }
}
