import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROVIDERS } from '../../lambdas/weather/providers';
import { garoaApp } from '../app';
import { type GaroaBlock, parseConfig } from '../config';
import { applicationName } from '../names';
import { type Deployed, deployed } from './deployed';
import { estimate, useOfDay, useOfRun } from './estimate';
import type { Measured } from './measured';
import { HOURS_PER_MONTH } from './prices';
import { type Column, PLACES_OF_USE, type UseColumn } from './report';

let ofDefaults: Deployed | undefined;

/** The default configuration's templates, made once. */
function defaultDeployment(): Deployed {
  ofDefaults ??= deploymentOf({});
  return ofDefaults;
}

/** What one run of each kind uses, for each number of places of the table. */
export function uses(measured: Measured): readonly UseColumn[] {
  const found = defaultDeployment();
  return PLACES_OF_USE.map((places) => ({
    places,
    hourly: useOfRun(found, measured, 'hourly', places),
    day: useOfDay(found, measured, places),
    retraining: useOfRun(found, measured, 'retrain', places),
  }));
}

/** A configuration's templates, made without bundles. */
function deploymentOf(block: GaroaBlock): Deployed {
  const config = parseConfig(block);
  const outdir = mkdtempSync(join(tmpdir(), 'garoa-cost-'));
  try {
    const context = { 'aws:cdk:bundling-stacks': [] };
    const app = garoaApp({ config, outdir, context, checkTemplates: false });
    const templates = app.synth().stacks.map(({ template }): unknown => template);
    return deployed(templates, applicationName(config.stage));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** The default configuration, with so many places in the stead of its one. */
export function column(places: number, measured: Measured): Column {
  const locations = Array.from({ length: places }, (_, index) => ({
    id: `place-${index}`,
    name: `Place ${index}`,
    query: `place ${index}`,
    timezone: 'UTC',
  }));
  const calls = places * HOURS_PER_MONTH * 60;
  const plan = PROVIDERS.weatherapi.plans.find(({ limits }) =>
    limits.every(({ per, calls: limit }) => per === 'month' && limit >= calls),
  );
  return {
    places,
    items: estimate(places === 1 ? defaultDeployment() : deploymentOf({ locations }), measured, places),
    calls,
    plan: plan?.name ?? 'none holds so many: poll less often',
  };
}
