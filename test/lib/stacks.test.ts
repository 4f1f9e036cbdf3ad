import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { garoaApp } from '../../lib/app';
import { parseConfig } from '../../lib/config';
import { readDeployment } from '../mutants/deployment';
import { RELATIONS } from '../mutants/relations';
import { dataLakeTests } from './data-lake/data-lake-stack';
import { deployedNamesTests } from './deployed-names';
import { lostSkillTests } from './monitoring/lost-skill';
import { monitoringTests } from './monitoring/monitoring-stack';
import { pipelineTests } from './pipeline/pipeline-stack';
import { synthesise } from './templates';

/*
 * The templates are made twice for all tests together: loading the CDK and synthesising takes longer than
 * everything that is asked of the result.
 */

const airport = (id: string) => ({ id, name: id.toUpperCase(), query: id, timezone: 'America/New_York' });

/** Three places on WeatherAPI.com, with most of what an owner can decide decided. */
const usual = synthesise(
  {
    stage: 'dev',
    locations: [airport('ewr'), airport('jfk'), { ...airport('lga'), pollEveryMinutes: 15 }],
    firstDay: '2013-01-01',
    retention: { rawDays: 400 },
    alarmEmail: 'rain@example.com',
    dashboard: true,
  },
  true,
);

/** Fifty places on Open-Meteo, most of them polled once an hour; nothing else decided. */
const other = synthesise(
  {
    provider: 'open-meteo',
    locations: Array.from({ length: 50 }, (_, index) => ({
      ...airport(`place-${index}`),
      latitude: 40 + index / 100,
      longitude: -74,
      pollEveryMinutes: index < 10 ? 1 : 60,
    })),
  },
  true,
);

describe('the data lake', () => dataLakeTests(usual, other));
describe('the pipeline', () => pipelineTests(usual, other));
describe('the monitoring', () => monitoringTests(usual, other));

const deployments = [usual, other].map(({ config, stacks }) => readDeployment(config, stacks));

describe('the alarm of lost skill', () => deployments.slice(0, 1).forEach(lostSkillTests));

describe('in the templates of either', () => {
  it.each(RELATIONS)('$name', ({ broken }) => {
    expect(deployments.flatMap(broken)).toEqual([]);
  });
});

describe('a deployed system', () => deployedNamesTests(usual));

describe('the application', () => {
  it('is not synthesised with a resource that breaks a rule of AwsSolutions without a reason', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'garoa-test-'));
    const printed = jest.spyOn(console, 'error').mockImplementation();
    try {
      const context = { 'aws:cdk:bundling-stacks': [] };
      const app = garoaApp({ config: parseConfig({}), outdir, context, checkTemplates: false });
      new sqs.Queue(new Stack(app, 'Careless'), 'Queue');
      expect(() => app.synth()).toThrow('AwsSolutions-SQS4');
    } finally {
      printed.mockRestore();
      rmSync(outdir, { recursive: true });
    }
  });
});
