import * as z from 'zod';
import { type Condition, parseConditions } from './conditions';
import { wildcard } from './wildcards';

/** A policy uses an element that is not evaluated here; the message says which one and where. */
class UnknownPolicy extends Error {
  override readonly name = 'UnknownPolicy';
}

/** One statement, ready to be held against requests. */
export interface Statement {
  /** Where it stands: policy and number. */
  readonly id: string;
  readonly effect: 'Allow' | 'Deny';
  /** As written, for accounts of what was used. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly concernsAction: (action: string) => boolean;
  /** Always true where the policy has no resources, as trust policies. */
  readonly concernsResource: (arn: string) => boolean;
  /** Undefined in policies of roles. */
  readonly concernsPrincipal?: (principal: PolicyPrincipal) => boolean;
  readonly conditions: readonly Condition[];
}

export interface PolicyPrincipal {
  readonly kind: 'AWS' | 'Service';
  /** ARN of a role, or a service such as `events.amazonaws.com`. */
  readonly name: string;
}

export interface Policy {
  readonly name: string;
  readonly statements: readonly Statement[];
}

const some = z.union([z.string(), z.array(z.string())]).transform((one) => [one].flat());
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z
    .union([z.literal('*'), z.strictObject({ AWS: some.optional(), Service: some.optional() })])
    .optional(),
  Action: some.optional(),
  NotAction: some.optional(),
  Resource: some.optional(),
  NotResource: some.optional(),
  Condition: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.union([scalar, z.array(scalar)]).transform((one) => [one].flat()),
      ),
    )
    .default({}),
});
const policySchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().optional(),
  Statement: z.union([statementSchema, z.array(statementSchema)]).transform((one) => [one].flat()),
});

/**
 * Reads a policy as IAM does when it is created, names resolved.
 * @throws UnknownPolicy for an element, a condition or a variable that is not evaluated here.
 */
export function parsePolicy(name: string, document: unknown): Policy {
  const parsed = policySchema.safeParse(document);
  if (!parsed.success) throw new UnknownPolicy(`Policy ${name}: ${z.prettifyError(parsed.error)}`);
  return {
    name,
    statements: parsed.data.Statement.map((one, index) => statement(`${name} #${index + 1}`, one)),
  };
}

function statement(id: string, written: z.infer<typeof statementSchema>): Statement {
  const refuse = (reason: string): UnknownPolicy => new UnknownPolicy(`Statement ${id}: ${reason}`);
  const variable = /\$\{[^}]*\}/.exec(JSON.stringify(written))?.[0];
  if (variable !== undefined) throw refuse(`the variable ${variable} is not evaluated here`);
  const { Action, NotAction, Resource, NotResource, Principal } = written;
  if ((Action === undefined) === (NotAction === undefined)) throw refuse('needs either Action or NotAction');
  if (Resource !== undefined && NotResource !== undefined) throw refuse('has both Resource and NotResource');
  const action = anyOf((Action ?? NotAction ?? []).map((pattern) => wildcard(pattern, 'i')));
  const resource = anyOf((Resource ?? NotResource ?? ['*']).map(resourcePattern));
  return {
    id: written.Sid === undefined ? id : `${id} ${written.Sid}`,
    effect: written.Effect,
    actions: Action ?? (NotAction ?? []).map((pattern) => `not ${pattern}`),
    resources: Resource ?? (NotResource ?? []).map((pattern) => `not ${pattern}`),
    concernsAction: Action === undefined ? (name) => !action(name) : action,
    concernsResource: NotResource === undefined ? resource : (arn) => !resource(arn),
    ...(Principal === undefined ? {} : { concernsPrincipal: principalTest(Principal, refuse) }),
    conditions: parseConditions(written.Condition, refuse),
  };
}

function anyOf(tests: readonly ((text: string) => boolean)[]): (text: string) => boolean {
  return (text) => tests.some((test) => test(text));
}

/** A wildcard reaches to the end of its part of the ARN: colons before the resource are never passed over. */
function resourcePattern(pattern: string): (arn: string) => boolean {
  if (pattern === '*') return () => true;
  const tests = arnParts(pattern).map((part) => wildcard(part));
  return (arn) => {
    const parts = arnParts(arn);
    return parts.length === tests.length && tests.every((test, index) => test(parts[index] ?? ''));
  };
}

/** `arn`, partition, service, region, account, and the resource, which may hold colons of its own. */
function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}

function principalTest(
  written: NonNullable<z.infer<typeof statementSchema>['Principal']>,
  refuse: (reason: string) => Error,
): (principal: PolicyPrincipal) => boolean {
  if (written === '*') return () => true;
  const { AWS = [], Service = [] } = written;
  const unknown = AWS.find((name) => name !== '*' && !/^arn:[^:]+:iam::\d{12}:role\//.test(name));
  if (unknown !== undefined) throw refuse(`the principal ${unknown} is not known here`);
  return ({ kind, name }) =>
    kind === 'Service'
      ? Service.includes(name) || AWS.includes('*')
      : AWS.includes('*') || AWS.includes(name);
}
