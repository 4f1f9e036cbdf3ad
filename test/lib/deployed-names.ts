import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { Templates } from './templates';

/*
 * What stands in an account goes by its logical id: a resource whose id, type or name changes is deleted and made
 * anew at the next deployment, with all that it holds. So the set is stored in deployed-names.json, and a change of
 * it is an entry of `changes` there: what was added, what was removed, and why. Whatever keeps data (buckets, tables,
 * databases, secrets, workgroups) says in `migration` what an owner does before the deployment. The stored
 * `resources` themselves are never edited.
 */

const changeSchema = z.strictObject({
  reason: z.string().min(20),
  migration: z.string().min(20).optional(),
  added: z.array(z.string()).default([]),
  removed: z.array(z.string()).default([]),
});
const fileSchema = z.strictObject({
  stacks: z.array(z.string()),
  resources: z.array(z.string()),
  changes: z.array(changeSchema),
});

const KEEPS_DATA =
  /^\S+ \S+ AWS::(S3::Bucket|Glue::(Table|Database)|SecretsManager::Secret|Athena::WorkGroup) /;

/** Where CloudFormation's resource types have their physical name. */
const NAME_PROPERTIES = [
  'Name',
  'AlarmName',
  'BucketName',
  'DashboardName',
  'FunctionName',
  'LogGroupName',
  'QueueName',
  'RoleName',
  'RuleName',
  'StateMachineName',
  'TopicName',
];

export function deployedNamesTests(templates: Templates): void {
  const file = fileSchema.parse(JSON.parse(readFileSync(join(__dirname, 'deployed-names.json'), 'utf8')));

  it('has the resources that it has where it is deployed, under their ids and names', () => {
    const expected = new Set(file.resources);
    for (const { added, removed } of file.changes) {
      for (const resource of removed) expect(expected.delete(resource) || resource).toBe(true);
      for (const resource of added) expected.add(resource);
    }
    expect(deployedNames(templates)).toEqual([...expected].sort());
  });

  it('is in the stacks that it is deployed in', () => {
    expect(templates.stacks.map(({ stackName }) => stackName).sort()).toEqual(file.stacks);
  });

  it('tells the owner of a deployment how to keep what a removed resource held', () => {
    const silent = file.changes.filter(
      ({ removed, migration }) => migration === undefined && removed.some((line) => KEEPS_DATA.test(line)),
    );
    expect(silent).toEqual([]);
  });
}

const template = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
const inputNames = z.object({ Name: z.unknown() });

/** A line for each resource: stack, logical id, type and name; `-` where CloudFormation makes the name up. */
function deployedNames({ dataLake, pipeline, monitoring }: Templates): string[] {
  return Object.entries({ DataLake: dataLake, Pipeline: pipeline, Monitoring: monitoring })
    .flatMap(([stack, made]) =>
      Object.entries(template.parse(made.toJSON()).Resources).map(
        ([id, { Type, Properties }]) => `${stack} ${id} ${Type} ${physicalName(Properties)}`,
      ),
    )
    .sort();
}

function physicalName(properties: Readonly<Record<string, unknown>>): string {
  const input = inputNames.safeParse(properties.TableInput ?? properties.DatabaseInput);
  const name = input.success
    ? input.data.Name
    : NAME_PROPERTIES.map((property) => properties[property]).find((value) => value !== undefined);
  return name === undefined ? '-' : typeof name === 'string' ? name : JSON.stringify(name);
}
