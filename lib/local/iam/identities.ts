import { createHash } from 'node:crypto';
import type { DeployedResources, RuleResource, RuleTarget } from '../assembly/resources';
import { AccessControl, type Caller } from './access';

/** Access key of the operator's own credentials, which tests and command lines use. */
export const ADMINISTRATOR_KEY = 'test';

/**
 * Who acts for each part of a deployment. Every role is taken on once, at the start: AWS refuses to create a
 * function, a machine or a schedule whose role its service may not assume.
 *
 * What a service says of itself when it assumes a role:
 * Step Functions https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html,
 * Scheduler https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html.
 * Lambda's and EventBridge's guides promise no such key for the roles that they assume.
 */
export class Identities {
  readonly access: AccessControl;
  private readonly callers = new Map<string, Caller>();
  private readonly keys = new Map<string, Caller>();

  /** @throws RoleNotAssumable */
  constructor(private readonly resources: DeployedResources) {
    const { region, account, roles, resourcePolicies } = resources;
    this.access = new AccessControl({ account, roles, resourcePolicies });
    this.keys.set(ADMINISTRATOR_KEY, this.access.administrator());
    const assume = (
      service: string,
      part: { name: string; arn: string; roleArn: string },
      context = {},
    ): void => {
      const caller = this.access.assume(service, part.roleArn, part.name, context);
      this.callers.set(part.arn, caller);
      this.keys.set(this.accessKeyOf(part.arn), caller);
    };
    const own = { 'aws:SourceAccount': account };
    for (const fn of resources.functions) assume('lambda.amazonaws.com', fn);
    for (const machine of resources.stateMachines) {
      assume('states.amazonaws.com', machine, { ...own, 'aws:SourceArn': machine.arn });
    }
    const group = `arn:aws:scheduler:${region}:${account}:schedule-group/default`;
    for (const schedule of resources.schedules) {
      assume('scheduler.amazonaws.com', schedule, { ...own, 'aws:SourceArn': group });
    }
    for (const rule of resources.rules) {
      for (const { arn, roleArn } of rule.targets) {
        if (roleArn === undefined) continue;
        assume('events.amazonaws.com', { name: rule.name, arn: `${rule.arn} ${arn}`, roleArn });
      }
    }
  }

  /** The role of a function, machine or schedule. @throws Error for any other ARN. */
  of(arn: string): Caller {
    const caller = this.callers.get(arn);
    if (caller === undefined) throw new Error(`Nobody acts for ${arn}`);
    return caller;
  }

  /** A rule delivers under the role of its target, or in EventBridge's own name. */
  ofTarget(rule: RuleResource, target: RuleTarget): Caller {
    return this.callers.get(`${rule.arn} ${target.arn}`) ?? this.ofRule(rule);
  }

  /** EventBridge itself: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html */
  ofRule({ arn }: RuleResource): Caller {
    const context = { 'aws:SourceArn': arn, 'aws:SourceAccount': this.resources.account };
    return this.access.service('events.amazonaws.com', context);
  }

  /** Variables with which an SDK's clients act as the function or machine. */
  credentialsOf(arn: string): Readonly<Record<string, string>> {
    return { AWS_ACCESS_KEY_ID: this.accessKeyOf(arn), AWS_SECRET_ACCESS_KEY: 'local' };
  }

  /** Shaped like AWS's, and the same on every run. */
  accessKeyOf(arn: string): string {
    return `AKIA${createHash('sha256').update(arn).digest('hex').slice(0, 16).toUpperCase()}`;
  }

  /** Whose request it is, by the access key id in its signature; the signature itself is not checked. */
  ofAuthorization(header: string | undefined): Caller | undefined {
    const key = /Credential=([^/,\s]+)\//.exec(header ?? '')?.[1];
    return key === undefined ? undefined : this.keys.get(key);
  }
}
