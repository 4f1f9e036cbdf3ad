import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import { garoaApp } from '../../lib/app';
import { type GaroaBlock, type GaroaConfig, parseConfig } from '../../lib/config';
import { type StackTemplate, templateSchema } from '../../lib/local/assembly/intrinsics';

export interface Templates {
  readonly dataLake: Template;
  readonly pipeline: Template;
  readonly monitoring: Template;
  readonly config: GaroaConfig;
  /** All stacks, under the names by which CloudFormation knows them. */
  readonly stacks: readonly StackTemplate[];
  /** What the owner reads at synth. */
  readonly notes: readonly string[];
}

/**
 * The templates of the whole application for a configuration, as `cdk synth` makes them, without bundles; checked by the
 * CDK only where a test says so, since the check takes longer than all the rest.
 */
export function synthesise(block: GaroaBlock, checkTemplates = false): Templates {
  const printed = jest.spyOn(console, 'error').mockImplementation();
  const outdir = mkdtempSync(join(tmpdir(), 'garoa-test-'));
  try {
    const config = parseConfig(block);
    const context = { 'aws:cdk:bundling-stacks': [] };
    const app = garoaApp({ config, outdir, context, checkTemplates });
    const { stacks } = app.synth();
    const templates = new Map(stacks.map(({ id, template }) => [id, Template.fromJSON(template)] as const));
    const template = (id: string) => templates.get(id) ?? Template.fromJSON({});
    const notes = app.node.children.flatMap(({ node }) => node.metadata.map(({ data }) => String(data)));
    return {
      dataLake: template('DataLake'),
      pipeline: template('Pipeline'),
      monitoring: template('Monitoring'),
      config,
      stacks: stacks.map(({ stackName, template }) => ({
        stackName,
        template: templateSchema.parse(template),
      })),
      notes: [...notes, ...printed.mock.calls.map(String)],
    };
  } finally {
    printed.mockRestore();
    rmSync(outdir, { recursive: true });
  }
}

const resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
});
export type Resource = z.infer<typeof resource> & { readonly id: string };

/** Resources of a type with their logical ids. */
export function resourcesOf(template: Template, type: string): Resource[] {
  return Object.entries(template.findResources(type)).map(([id, found]) => ({
    id,
    ...resource.parse(found),
  }));
}

/** The one resource of a type for which the test says yes. */
export function theResource(template: Template, type: string, where: (found: Resource) => boolean): Resource {
  const found = resourcesOf(template, type).filter(where);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`${found.length} resources of ${type} instead of one`);
  }
  return only;
}

const policyDocument = z.object({
  Statement: z.array(z.object({ Action: z.union([z.string(), z.array(z.string())]), Resource: z.unknown() })),
});
const inline = z.array(z.object({ PolicyDocument: policyDocument })).default([]);
const attached = z.object({ PolicyDocument: policyDocument, Roles: z.array(z.object({ Ref: z.string() })) });

/** What the role of a resource may do: one line for each action and resource, references in angle brackets. */
export function permissionsOf(template: Template, role: unknown): string[] {
  const [id] = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }).parse(role)['Fn::GetAtt'];
  const { Properties } = theResource(template, 'AWS::IAM::Role', (found) => found.id === id);
  expect(Properties).not.toHaveProperty('ManagedPolicyArns');
  const policies = resourcesOf(template, 'AWS::IAM::Policy')
    .map((policy) => attached.parse(policy.Properties))
    .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === id));
  return [...inline.parse(Properties.Policies), ...policies]
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((on) => `${action} ${text(on)}`)),
    )
    .toSorted();
}

const intrinsic = z.union([
  z.object({ Ref: z.string() }).transform(({ Ref }) => `<${Ref.replace(/^AWS::/, '')}>`),
  z.object({ 'Fn::ImportValue': z.string() }).transform((value) => `<${value['Fn::ImportValue']}>`),
  z
    .object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) })
    .transform((value) => `<${value['Fn::GetAtt'].join('.')}>`),
]);
const joined = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });

/** A value of a template as one text, references in angle brackets. */
export function text(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  const parsed = joined.safeParse(value);
  if (parsed.success) {
    const [between, parts] = parsed.data['Fn::Join'];
    return parts.map(text).join(between);
  }
  return intrinsic.parse(value);
}
