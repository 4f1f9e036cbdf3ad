import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DeleteBucketPolicyCommand, paginateListBuckets, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { resourceName } from '../../names';
import { Refusal } from '../../terminal/refusal';
import type { Access } from '../access';
import { command } from '../command';

/** The buckets of an earlier deployment can't be taken over; the message says why and what helps. */
class NotAdopted extends Refusal {
  override readonly name = 'NotAdopted';
}

const MAPPING_FILE = 'adopted-buckets.json';

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.looseObject({
      type: z.string(),
      properties: z
        .looseObject({ templateFile: z.string().optional(), stackName: z.string().optional() })
        .optional(),
    }),
  ),
});
const templateSchema = z.object({ Resources: z.record(z.string(), z.looseObject({ Type: z.string() })) });

export const adopt = command({
  name: 'adopt',
  summary: 'take over the buckets that an earlier deployment left, before the first deploy',
  details: `For a system that was destroyed and is to come back with its lake. After npm run synth it finds the four buckets that
stayed, removes the policies that guard them (the deployment makes them anew),
and writes the mapping that cdk import asks for. It prints the two commands that follow. Nothing in a bucket is touched.
Where several deployments left buckets, name the ending of the wanted ones' names with --ending.`,
  operands: [],
  options: {
    ending: { type: 'string', placeholder: 'TEXT', meaning: 'take buckets whose names end like this' },
    'dry-run': { type: 'boolean', meaning: 'only say which buckets would be taken over' },
  },
  prepare(given) {
    const ending = given.value('ending') ?? '';
    const dry = given.has('dry-run');
    return async ({ access, terminal }) => {
      const stackName = resourceName(access.stage, 'data-lake');
      const { stack, logicalIds } = bucketsOf(join(terminal.directory, 'cdk.out'), stackName);
      const names = await bucketNames(access.s3);
      const found = logicalIds.map((id) => [id, retained(names, stackName, id, ending)] as const);
      const list = found.map(([id, name]) => `  ${id}: ${name}`).join('\n');
      const data = { buckets: Object.fromEntries(found), changed: !dry };
      if (dry) return { text: `These would be taken over:\n${list}\nNothing was changed (--dry-run).`, data };

      const file = resolve(terminal.directory, MAPPING_FILE);
      const mapping = Object.fromEntries(found.map(([id, BucketName]) => [id, { BucketName }]));
      writeFileSync(file, `${JSON.stringify(mapping, null, 2)}\n`);
      await removePolicies(
        access,
        found.map(([, name]) => name),
      );
      return {
        text: `These are ready to be taken over:\n${list}\n\nNow, and without delay, since nothing guards them meanwhile:
  npx cdk import ${stack} --resource-mapping ${MAPPING_FILE}
  npx cdk deploy --all
Then set the provider's key again (set-key).`,
        data,
      };
    };
  },
});

/** The data lake's id in the assembly, and the logical ids of its buckets. */
function bucketsOf(
  assembly: string,
  stackName: string,
): { readonly stack: string; readonly logicalIds: readonly string[] } {
  const manifest = join(assembly, 'manifest.json');
  if (!existsSync(manifest)) {
    throw new NotAdopted(`There is no synthesised application in ${assembly}: run npm run synth first.`);
  }
  const { artifacts } = manifestSchema.parse(JSON.parse(readFileSync(manifest, 'utf8')));
  for (const [stack, { type, properties }] of Object.entries(artifacts)) {
    if (type !== 'aws:cloudformation:stack' || properties?.templateFile === undefined) continue;
    if ((properties.stackName ?? stack) !== stackName) continue;
    const text = readFileSync(join(assembly, properties.templateFile), 'utf8');
    const { Resources } = templateSchema.parse(JSON.parse(text));
    const buckets = Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::S3::Bucket');
    return { stack, logicalIds: buckets.map(([id]) => id) };
  }
  throw new NotAdopted(
    `${assembly} holds no stack ${stackName}: is the stage of cdk.json the one that you name with --stage?`,
  );
}

async function bucketNames(s3: S3Client): Promise<string[]> {
  const names: string[] = [];
  for await (const { Buckets } of paginateListBuckets({ client: s3 }, {})) {
    names.push(...(Buckets ?? []).flatMap(({ Name }) => Name ?? []));
  }
  return names;
}

/** CloudFormation names a bucket by its stack, its logical id and a random ending. */
function retained(names: readonly string[], stackName: string, logicalId: string, ending: string): string {
  const prefix = `${stackName}-${logicalId}-`.toLowerCase();
  const candidates = names.filter((name) => name.startsWith(prefix) && name.endsWith(ending));
  const [only] = candidates;
  if (only === undefined) {
    throw new NotAdopted(
      `No bucket begins with ${prefix}${ending === '' ? '' : ` and ends with ${ending}`}: all four must be there to be taken over.`,
    );
  }
  if (candidates.length > 1) {
    throw new NotAdopted(
      `${candidates.length} buckets begin with ${prefix}: ${candidates.join(', ')}. Name the ending of the wanted one with --ending.`,
    );
  }
  return only;
}

/**
 * A policy that is there already would stop the deployment that makes it. An import is not asked to bring it along: AWS's
 * list of types that can be imported, as far as it could be read, names buckets and no bucket policies
 * (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-supported-resources.html).
 */
async function removePolicies({ s3 }: Access, buckets: readonly string[]): Promise<void> {
  for (const Bucket of buckets) await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
}
