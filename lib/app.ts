import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as z from 'zod';
import type { GaroaConfig } from './config';
import { DataLakeStack } from './data-lake/data-lake-stack';
import { MonitoringStack } from './monitoring/monitoring-stack';
import { applicationName, resourceName } from './names';
import { PipelineStack } from './pipeline/pipeline-stack';
import { projectRoot } from './project-root';

export interface GaroaAppProps {
  readonly config: GaroaConfig;
  /** Where the assembly goes; the CDK command line decides when absent. */
  readonly outdir?: string;
  /** Added to the feature flags of cdk.json, such as `{'aws:cdk:bundling-stacks': []}`. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Whether the CDK holds the templates against CloudFormation's schemas, which takes seconds; true by default. */
  readonly checkTemplates?: boolean;
}

const cdkJson = z.object({ context: z.record(z.string(), z.unknown()) });

/**
 * The whole application, ready for `synth()`: the CDK command line, the local cloud and the tests make it
 * here, with the feature flags of cdk.json, so that all of them see the same templates.
 */
export function garoaApp({ config, outdir, context, checkTemplates = true }: GaroaAppProps): App {
  const app = new App({
    ...(outdir !== undefined && { outdir }),
    context: { ...projectContext(), ...context },
    builtinCloudFormationValidation: checkTemplates,
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

  const { stage } = config;
  const dataLake = new DataLakeStack(app, 'DataLake', {
    stackName: resourceName(stage, 'data-lake'),
    description: 'Garoa: buckets, catalogue, Athena workgroup and the key of the provider',
    config,
  });
  const pipeline = new PipelineStack(app, 'Pipeline', {
    stackName: resourceName(stage, 'pipeline'),
    description: 'Garoa: functions, schedules and state machines',
    config,
    lake: dataLake.lake,
  });
  // Values cross by name: CloudFormation knows the order from them, the command line from here.
  pipeline.addStackDependency(dataLake);
  new MonitoringStack(app, 'Monitoring', {
    stackName: resourceName(stage, 'monitoring'),
    description: 'Garoa: alarms, their topic, and questions to the logs',
    config,
    parts: pipeline,
  });
  Tags.of(app).add('application', applicationName(stage));
  return app;
}

/** The context of cdk.json: feature flags, and under `garoa` the configuration. */
export function projectContext(): Record<string, unknown> {
  return cdkJson.parse(JSON.parse(readFileSync(join(projectRoot, 'cdk.json'), 'utf8'))).context;
}
