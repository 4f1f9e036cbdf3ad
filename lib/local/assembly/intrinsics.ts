import * as z from 'zod';

/** A template's resource, as it is written. */
const resourceSchema = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
});
export type TemplateResource = z.infer<typeof resourceSchema>;

export const templateSchema = z.looseObject({
  Resources: z.record(z.string(), resourceSchema).default({}),
  Outputs: z
    .record(
      z.string(),
      z.looseObject({ Value: z.unknown(), Export: z.object({ Name: z.unknown() }).optional() }),
    )
    .default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Parameters: z.record(z.string(), z.looseObject({ Default: z.unknown() })).default({}),
});

/** What `Fn::GetStackOutput` names. A role of another account is not known here, and refused. */
const stackOutputSchema = z.strictObject({
  StackName: z.string(),
  OutputName: z.string(),
  Region: z.string(),
});

/** One synthesised stack. */
export interface StackTemplate {
  readonly stackName: string;
  readonly template: z.infer<typeof templateSchema>;
}

/** A template holds something that the local cloud can't make sense of; the message says where and what. */
export class UnresolvedTemplate extends Error {
  override readonly name = 'UnresolvedTemplate';
}

/** What a resource answers to Ref (`ref`) and to GetAtt, by attribute. */
export interface ResourceIdentity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ResolverOptions {
  readonly region: string;
  readonly account: string;
  readonly stacks: readonly StackTemplate[];
  /** Name, ARN and the like of a resource; undefined when its type is not known here. */
  readonly identify: (
    stackName: string,
    logicalId: string,
    resource: TemplateResource,
  ) => ResourceIdentity | undefined;
}

/**
 * CloudFormation's intrinsic functions for a set of stacks that refer to each other by exports and outputs.
 * What it does not know it refuses, since a wrong name would only show far from its cause.
 */
export class Resolver {
  private readonly exports = new Map<string, { readonly stack: StackTemplate; readonly value: unknown }>();
  private readonly stacks: ReadonlyMap<string, StackTemplate>;

  constructor(private readonly options: ResolverOptions) {
    this.stacks = new Map(options.stacks.map((stack) => [stack.stackName, stack]));
    for (const stack of options.stacks) {
      for (const output of Object.values(stack.template.Outputs)) {
        if (output.Export === undefined) continue;
        const name = this.text(stack.stackName, output.Export.Name, 'Export');
        this.exports.set(name, { stack, value: output.Value });
      }
    }
  }

  /** The value with every intrinsic replaced. @throws UnresolvedTemplate naming stack, place and intrinsic. */
  resolve(stackName: string, value: unknown, where: string): unknown {
    if (Array.isArray(value)) {
      return value
        .map((member, index) => this.resolve(stackName, member, `${where}[${index}]`))
        .filter((member) => member !== undefined);
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (entries.length === 1 && only !== undefined && (only[0] === 'Ref' || only[0].startsWith('Fn::'))) {
      return this.intrinsic(stackName, only[0], only[1], where);
    }
    return Object.fromEntries(
      entries
        .map(([key, member]) => [key, this.resolve(stackName, member, `${where}.${key}`)] as const)
        .filter(([, member]) => member !== undefined),
    );
  }

  /** Resolves to text. @throws UnresolvedTemplate when the value is none. */
  text(stackName: string, value: unknown, where: string): string {
    const resolved = this.resolve(stackName, value, where);
    if (typeof resolved === 'string') return resolved;
    if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
    throw this.unresolved(stackName, where, `text expected, not ${JSON.stringify(resolved)}`);
  }

  private intrinsic(stackName: string, name: string, argument: unknown, where: string): unknown {
    switch (name) {
      case 'Ref':
        return this.ref(stackName, String(argument), where);
      case 'Fn::GetAtt':
        return this.attribute(stackName, argument, where);
      case 'Fn::Join': {
        const [separator, parts] = this.list(stackName, argument, where);
        return this.list(stackName, parts, where)
          .map((part) => this.text(stackName, part, where))
          .join(String(separator));
      }
      case 'Fn::Sub':
        return this.substitute(stackName, argument, where);
      case 'Fn::Select': {
        const [index, parts] = this.list(stackName, argument, where);
        return this.list(stackName, parts, where)[Number(index)];
      }
      case 'Fn::Split': {
        const [separator, text] = this.list(stackName, argument, where);
        return this.text(stackName, text, where).split(String(separator));
      }
      case 'Fn::ImportValue': {
        const exported = this.exports.get(this.text(stackName, argument, where));
        if (exported === undefined) {
          throw this.unresolved(stackName, where, `nothing exports ${JSON.stringify(argument)}`);
        }
        return this.resolve(exported.stack.stackName, exported.value, where);
      }
      case 'Fn::GetStackOutput':
        return this.stackOutput(stackName, argument, where);
      case 'Fn::FindInMap': {
        const [map, first, second] = this.list(stackName, argument, where).map(String);
        const found = this.stack(stackName).template.Mappings[map ?? '']?.[first ?? '']?.[second ?? ''];
        if (found === undefined)
          throw this.unresolved(stackName, where, `no entry ${map}.${first}.${second}`);
        return found;
      }
      case 'Fn::Base64':
        return Buffer.from(this.text(stackName, argument, where)).toString('base64');
      default:
        throw this.unresolved(stackName, where, `the intrinsic ${name} is not known here`);
    }
  }

  /** A reference that a stack makes to another one's output without an export, within the account and region. */
  private stackOutput(stackName: string, argument: unknown, where: string): unknown {
    const asked = stackOutputSchema.safeParse(this.resolve(stackName, argument, where));
    if (!asked.success) throw this.unresolved(stackName, where, z.prettifyError(asked.error));
    const { StackName, OutputName } = asked.data;
    const output = this.stack(StackName).template.Outputs[OutputName];
    if (output === undefined) {
      throw this.unresolved(stackName, where, `${StackName} has no output ${OutputName}`);
    }
    return this.resolve(StackName, output.Value, where);
  }

  private ref(stackName: string, target: string, where: string): unknown {
    switch (target) {
      case 'AWS::Region':
        return this.options.region;
      case 'AWS::AccountId':
        return this.options.account;
      case 'AWS::Partition':
        return 'aws';
      case 'AWS::URLSuffix':
        return 'amazonaws.com';
      case 'AWS::StackName':
        return stackName;
      case 'AWS::StackId':
        return `arn:aws:cloudformation:${this.options.region}:${this.options.account}:stack/${stackName}/local`;
      case 'AWS::NoValue':
        return undefined;
    }
    const parameter = this.stack(stackName).template.Parameters[target];
    if (parameter !== undefined) return parameter.Default;
    return this.identity(stackName, target, where).ref;
  }

  private attribute(stackName: string, argument: unknown, where: string): string {
    const [target = '', ...path] =
      typeof argument === 'string'
        ? argument.split('.')
        : this.list(stackName, argument, where).map((part) => String(part));
    const name = path.join('.');
    const value = this.identity(stackName, target, where).attributes[name];
    if (value === undefined) {
      throw this.unresolved(stackName, where, `the attribute ${target}.${name} is not known here`);
    }
    return value;
  }

  private identity(stackName: string, logicalId: string, where: string): ResourceIdentity {
    const resource = this.stack(stackName).template.Resources[logicalId];
    if (resource === undefined) {
      throw this.unresolved(stackName, where, `there is no resource ${logicalId}`);
    }
    const identity = this.options.identify(stackName, logicalId, resource);
    if (identity === undefined) {
      const reason = `a reference to ${logicalId}, whose type ${resource.Type} is not known here`;
      throw this.unresolved(stackName, where, reason);
    }
    return identity;
  }

  private substitute(stackName: string, argument: unknown, where: string): string {
    const [template, variables] = typeof argument === 'string' ? [argument, {}] : this.pair(argument);
    const given = new Map(Object.entries(variables ?? {}));
    return String(template).replace(/\$\{(!?)([^}]+)\}/g, (whole, literal: string, name: string) => {
      if (literal === '!') return whole.replace('!', '');
      if (given.has(name)) return this.text(stackName, given.get(name), where);
      if (name.includes('.') && !name.startsWith('AWS::')) return this.attribute(stackName, name, where);
      return String(this.ref(stackName, name, where));
    });
  }

  private pair(argument: unknown): [unknown, object | undefined] {
    const [template, variables] = Array.isArray(argument) ? argument : [argument];
    return [template, typeof variables === 'object' && variables !== null ? variables : undefined];
  }

  private list(stackName: string, value: unknown, where: string): unknown[] {
    const resolved = this.resolve(stackName, value, where);
    if (!Array.isArray(resolved)) throw this.unresolved(stackName, where, 'a list was expected');
    return resolved;
  }

  private stack(stackName: string): StackTemplate {
    const stack = this.stacks.get(stackName);
    if (stack === undefined) throw new UnresolvedTemplate(`There is no stack ${stackName}`);
    return stack;
  }

  private unresolved(stackName: string, where: string, reason: string): UnresolvedTemplate {
    return new UnresolvedTemplate(`Stack ${stackName}, ${where}: ${reason}`);
  }
}
