import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type StackTemplate, templateSchema } from './intrinsics';

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.looseObject({
      type: z.string(),
      properties: z
        .looseObject({
          templateFile: z.string().optional(),
          stackName: z.string().optional(),
          file: z.string().optional(),
          directoryName: z.string().optional(),
        })
        .default({}),
    }),
  ),
});
const assetsSchema = z.object({
  files: z
    .record(
      z.string(),
      z.object({
        source: z.looseObject({ path: z.string().optional() }),
        destinations: z.record(z.string(), z.looseObject({ objectKey: z.string() })),
      }),
    )
    .default({}),
});

/** What `cdk synth` wrote: templates, and the directories of the assets by the keys that they are uploaded under. */
export interface CloudAssembly {
  readonly stacks: readonly StackTemplate[];
  readonly assets: ReadonlyMap<string, string>;
}

export function readCloudAssembly(directory: string): CloudAssembly {
  const stacks: StackTemplate[] = [];
  const assets = new Map<string, string>();
  collect(directory, stacks, assets);
  return { stacks, assets };
}

function collect(directory: string, stacks: StackTemplate[], assets: Map<string, string>): void {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const { artifacts } = manifestSchema.parse(read('manifest.json'));
  for (const [id, { type, properties }] of Object.entries(artifacts)) {
    const { templateFile, stackName, file, directoryName } = properties;
    if (type === 'aws:cloudformation:stack' && templateFile !== undefined) {
      stacks.push({ stackName: stackName ?? id, template: templateSchema.parse(read(templateFile)) });
    } else if (type === 'cdk:asset-manifest' && file !== undefined) {
      for (const { source, destinations } of Object.values(assetsSchema.parse(read(file)).files)) {
        for (const { objectKey } of Object.values(destinations)) {
          if (source.path !== undefined) assets.set(objectKey, join(directory, source.path));
        }
      }
    } else if (type === 'cdk:cloud-assembly' && directoryName !== undefined) {
      collect(join(directory, directoryName), stacks, assets);
    }
  }
}
