import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROVIDERS } from '../../lambdas/weather/providers';
import { garoaApp } from '../app';
import { type GaroaBlock, parseConfig } from '../config';
import { applicationName } from '../names';
import { deployed } from './deployed';
import { estimate, type Item } from './estimate';
import type { Measured } from './measured';
import { HOURS_PER_MONTH } from './prices';
import type { Column } from './report';

/** The bill of a configuration: its templates are made, without bundles, and priced. */
function billOf(block: GaroaBlock, measured: Measured): readonly Item[] {
  const config = parseConfig(block);
  const outdir = mkdtempSync(join(tmpdir(), 'garoa-cost-'));
  try {
    const app = garoaApp({ config, outdir, context: { 'aws:cdk:bundling-stacks': [] } });
    const templates = app.synth().stacks.map(({ template }): unknown => template);
    return estimate(deployed(templates, applicationName(config.stage)), measured, config.locations.length);
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
    items: billOf(places === 1 ? {} : { locations }, measured),
    calls,
    plan: plan?.name ?? 'none holds so many: poll less often',
  };
}
