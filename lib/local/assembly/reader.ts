import * as z from 'zod';
import type { CloudAssembly } from './cloud-assembly';
import { identify, type Placed } from './identities';
import { Resolver, type ResourceIdentity, UnresolvedTemplate } from './intrinsics';

/** Reads the resources of an assembly's templates, with every intrinsic resolved. */
export class TemplateReader {
  readonly placed: readonly Placed[];
  /** Directories of the assets, by the key that each is uploaded under. */
  readonly assets: ReadonlyMap<string, string>;
  private readonly resolver: Resolver;

  constructor(
    { stacks, assets }: CloudAssembly,
    private readonly place: { readonly region: string; readonly account: string },
  ) {
    this.assets = assets;
    this.placed = stacks.flatMap(({ stackName, template }) =>
      Object.entries(template.Resources).map(([logicalId, resource]) => ({ stackName, logicalId, resource })),
    );
    this.resolver = new Resolver({
      ...place,
      stacks,
      identify: (stackName, logicalId, resource) =>
        identify({ stackName, logicalId, resource }, this.resolver, place),
    });
  }

  all(type: string): readonly Placed[] {
    return this.placed.filter(({ resource }) => resource.Type === type);
  }

  /** @throws UnresolvedTemplate for a type that has no name here. */
  identity(placed: Placed): ResourceIdentity {
    const identity = identify(placed, this.resolver, this.place);
    if (identity === undefined) throw new UnresolvedTemplate(`${placed.logicalId} has no name here`);
    return identity;
  }

  ref(placed: Placed): string {
    return this.identity(placed).ref;
  }

  /** Properties with intrinsics resolved, in the shape that the schema wants. */
  properties<T extends z.ZodType>(placed: Placed, schema: T): z.infer<T> {
    const { stackName, logicalId, resource } = placed;
    const wanted = Object.keys(schema instanceof z.ZodObject ? schema.shape : resource.Properties);
    const properties = Object.fromEntries(
      Object.entries(resource.Properties)
        // Properties that nobody reads here may hold references that only AWS can resolve, such as roles.
        .filter(([name]) => wanted.includes(name))
        .map(([name, value]) => [name, this.resolver.resolve(stackName, value, `${logicalId}.${name}`)]),
    );
    const parsed = schema.safeParse(properties);
    if (!parsed.success) {
      const reason = z.prettifyError(parsed.error).replaceAll('\n', ' ');
      throw new UnresolvedTemplate(`Stack ${stackName}, ${logicalId} (${resource.Type}): ${reason}`);
    }
    return parsed.data;
  }
}
