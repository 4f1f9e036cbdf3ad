import type { Context } from './conditions';
import type { Policy, PolicyPrincipal, Statement } from './policy';

/** A call that no policy allows, or that one forbids, in the words of IAM. */
export class AccessDenied extends Error {
  override readonly name = 'AccessDenied';

  constructor(
    message: string,
    readonly action: string,
    readonly resource: string,
  ) {
    super(message);
  }
}

/** A service may not take on a role that the template gives it: AWS refuses to create what names it. */
export class RoleNotAssumable extends Error {
  override readonly name = 'RoleNotAssumable';
}

/** A role with what it may do and who may take it on. */
export interface Role {
  readonly name: string;
  readonly arn: string;
  readonly trust: Policy;
  readonly policies: readonly Policy[];
}

/** Somebody who calls services: an administrator, a role that a service took on, or a service itself. */
export interface Caller {
  /** ARN of the identity, as errors name it. */
  readonly name: string;
  /** Asks without consequence for the caller; an allowed call is entered in the account of statements. */
  allows(action: string, resource: string, context?: Context): boolean;
  /** @throws AccessDenied */
  require(action: string, resource: string, context?: Context): void;
  /** The same caller where a service calls another one on its behalf. */
  via(service: string): Caller;
}

/** What a statement that allows was good for up to now. */
export interface StatementUse {
  readonly id: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Calls that it allows, and those of them that nothing else allows. */
  readonly allowed: number;
  readonly sole: number;
  /** Actions of those calls. */
  readonly used: readonly string[];
}

interface Identity {
  readonly name: string;
  readonly principal: PolicyPrincipal;
  /** Undefined: an administrator, whom only a Deny stops. */
  readonly policies: readonly Policy[] | undefined;
  readonly context: Context;
}

type Decision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly because: 'nothing allows it' | Statement };

/**
 * Who may do what, by the policies of a deployment: those of roles, and those of buckets, queues, topics and
 * functions. Within one account either kind allows, and a Deny of either kind wins:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 *
 * It knows no managed policies, permission boundaries, service control policies or sessions with policies.
 */
export class AccessControl {
  private readonly roles: ReadonlyMap<string, Role>;
  private readonly uses = new Map<Statement, { allowed: number; sole: number; actions: Set<string> }>();
  private readonly refused: AccessDenied[] = [];

  constructor(
    private readonly options: {
      readonly account: string;
      readonly roles: readonly Role[];
      /** Policies of resources; their statements name principals. */
      readonly resourcePolicies: readonly Policy[];
    },
  ) {
    this.roles = new Map(options.roles.map((role) => [role.arn, role]));
  }

  /** Whoever has the account's own credentials: the operator. */
  administrator(): Caller {
    const name = `arn:aws:iam::${this.options.account}:user/administrator`;
    return this.caller({ name, principal: { kind: 'AWS', name }, policies: undefined, context: {} });
  }

  /**
   * A service takes on a role.
   * @param context what the service says of itself, such as `aws:SourceArn`
   * @throws RoleNotAssumable when the role is not there or its trust policy does not let the service in.
   */
  assume(service: string, roleArn: string, session: string, context: Context = {}): Caller {
    const role = this.roles.get(roleArn);
    const principal = { kind: 'Service', name: service } as const;
    const asking = { name: service, principal, policies: [], context: lowerCased(context) };
    if (
      role === undefined ||
      !this.decide(asking, onAction([role.trust], 'sts:AssumeRole'), 'sts:AssumeRole', roleArn, {}).allowed
    ) {
      throw new RoleNotAssumable(`${service} can't assume the role ${roleArn}`);
    }
    const place = roleArn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/');
    return this.caller({
      name: `${place}/${session}`,
      principal: { kind: 'AWS', name: roleArn },
      policies: role.policies,
      context: { 'aws:principalarn': roleArn },
    });
  }

  /** A service that calls in its own name: only policies of the resources let it. */
  service(name: string, context: Context): Caller {
    return this.caller({
      name,
      principal: { kind: 'Service', name },
      policies: [],
      context: lowerCased(context),
    });
  }

  /** Every statement that allows, with what it was good for. */
  account(): StatementUse[] {
    const { roles, resourcePolicies } = this.options;
    return [...roles.flatMap(({ trust, policies }) => [trust, ...policies]), ...resourcePolicies]
      .flatMap(({ statements }) => statements)
      .filter(({ effect }) => effect === 'Allow')
      .map((statement) => {
        const { allowed = 0, sole = 0, actions = new Set<string>() } = this.uses.get(statement) ?? {};
        const { id, resources } = statement;
        return { id, actions: statement.actions, resources, allowed, sole, used: [...actions].sort() };
      });
  }

  /** Calls that were denied, oldest first. */
  denials(): readonly AccessDenied[] {
    return this.refused;
  }

  private caller(identity: Identity): Caller {
    const policies = [...(identity.policies ?? []), ...this.options.resourcePolicies];
    // A query asks about thousands of objects: the statements on an action are looked up once.
    const byAction = new Map<string, readonly Statement[]>();
    const ask = (action: string, resource: string, context: Context = {}): Decision => {
      const statements = byAction.get(action) ?? onAction(policies, action);
      byAction.set(action, statements);
      return this.decide(identity, statements, action, resource, context);
    };
    return {
      name: identity.name,
      allows: (action, resource, context) => ask(action, resource, context).allowed,
      require: (action, resource, context) => {
        const decision = ask(action, resource, context);
        if (decision.allowed) return;
        const denied = new AccessDenied(
          words(identity, action, resource, decision.because),
          action,
          resource,
        );
        this.refused.push(denied);
        throw denied;
      },
      via: (service) =>
        this.caller({
          ...identity,
          context: {
            ...identity.context,
            'aws:calledvia': [...[identity.context['aws:calledvia'] ?? []].flat(), service],
          },
        }),
    };
  }

  private decide(
    identity: Identity,
    statements: readonly Statement[],
    action: string,
    resource: string,
    more: Context,
  ): Decision {
    // The wire of this machine stands for the TLS that clients of AWS use.
    const context = {
      'aws:securetransport': 'true',
      's3:tlsversion': '1.3',
      ...identity.context,
      ...lowerCased(more),
    };
    const concerned = statements.filter(
      (one) =>
        one.concernsResource(resource) &&
        (one.concernsPrincipal?.(identity.principal) ?? true) &&
        one.conditions.every((holds) => holds(context)),
    );
    const deny = concerned.find(({ effect }) => effect === 'Deny');
    if (deny !== undefined) return { allowed: false, because: deny };
    for (const statement of concerned) {
      const use = this.uses.get(statement) ?? { allowed: 0, sole: 0, actions: new Set() };
      this.uses.set(statement, use);
      use.allowed += 1;
      if (concerned.length === 1) use.sole += 1;
      use.actions.add(action);
    }
    if (concerned.length > 0 || identity.policies === undefined) return { allowed: true };
    return { allowed: false, because: 'nothing allows it' };
  }
}

function onAction(policies: readonly Policy[], action: string): readonly Statement[] {
  return policies.flatMap(({ statements }) => statements.filter((one) => one.concernsAction(action)));
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
function words(
  { name }: Identity,
  action: string,
  resource: string,
  because: 'nothing allows it' | Statement,
): string {
  const reason =
    because === 'nothing allows it'
      ? `because no identity-based policy allows the ${action} action`
      : `with an explicit deny in ${because.concernsPrincipal === undefined ? 'an identity-based' : 'a resource-based'} policy`;
  return `User: ${name} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
}

function lowerCased(context: Context): Context {
  return Object.fromEntries(Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]));
}
