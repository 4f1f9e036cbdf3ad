import * as z from 'zod';
import type { GaroaConfig } from '../../lib/config';
import { readResources, templatesOf } from '../../lib/local/assembly/assembly';
import type { StackTemplate } from '../../lib/local/assembly/intrinsics';
import type { DeployedResources } from '../../lib/local/assembly/resources';

/** What the templates of a configuration would create. */
export interface Deployment {
  readonly config: GaroaConfig;
  /** What runs, as the local cloud reads it. */
  readonly resources: DeployedResources;
  /** Properties of the resources of a type, references resolved. */
  all<T extends z.ZodObject>(type: string, schema: T): readonly Found<z.infer<T>>[];
}

export interface Found<T> {
  /** As the code calls it. */
  readonly id: string;
  /** Name or ARN. @throws UnresolvedTemplate where nothing refers to it. */
  readonly ref: string;
  readonly deletionPolicy: string | undefined;
  readonly properties: T;
}

const kept = z.looseObject({ DeletionPolicy: z.string().optional() });

/**
 * Reads templates that lie in memory. Bundles are of no concern here.
 * @throws UnresolvedTemplate for what CloudFormation or a service would refuse to create.
 */
export function readDeployment(config: GaroaConfig, stacks: readonly StackTemplate[]): Deployment {
  const template = templatesOf({ stacks, assets: bundles(stacks) });
  return {
    config,
    resources: readResources(template),
    all: (type, schema) =>
      template.all(type).map((placed) => ({
        id: placed.logicalId.replace(/[0-9A-F]{8}$/, ''),
        get ref() {
          return template.ref(placed);
        },
        deletionPolicy: kept.parse(placed.resource).DeletionPolicy,
        properties: template.properties(placed, schema),
      })),
  };
}

const code = z.looseObject({ Code: z.looseObject({ S3Key: z.string() }) });

/** The keys of all bundles, so that functions can be read without any. */
function bundles(stacks: readonly StackTemplate[]): ReadonlyMap<string, string> {
  return new Map(
    stacks
      .flatMap(({ template }) => Object.values(template.Resources))
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => [code.parse(Properties).Code.S3Key, '']),
  );
}
