import type { GaroaConfig } from '../../lib/config';
import type { StackTemplate } from '../../lib/local/assembly/intrinsics';
import { UnresolvedTemplate } from '../../lib/local/assembly/intrinsics';
import { UnknownMetric } from '../../lib/local/cloudwatch/metric';
import { contradictions, type Histories, histories } from './alarm-stories';
import { type Deployment, readDeployment } from './deployment';
import type { Edit } from './edits';
import { isMachine, MACHINES, machineFindings } from './machine-errors';
import { RELATIONS } from './relations';

/** What shows that something is wrong, and how. */
export interface Finding {
  readonly by: 'a refusal' | 'a relation' | 'alarms' | 'machines';
  readonly what: string;
}

/** What is known of the templates as they are, for the many that differ in one place. */
export interface Ground {
  readonly config: GaroaConfig;
  readonly stacks: readonly StackTemplate[];
  readonly deployment: Deployment;
  readonly lives: Histories;
}

export function groundOf(config: GaroaConfig, stacks: readonly StackTemplate[]): Ground {
  const deployment = readDeployment(config, stacks);
  return { config, stacks, deployment, lives: histories(deployment) };
}

/** Everything that is wrong with the templates as they are: nothing, or no edit can be judged. */
export async function findingsOf({ deployment, lives }: Ground): Promise<readonly Finding[]> {
  const machines: Finding[] = [];
  for (const machine of MACHINES) {
    for await (const what of machineFindings(deployment, machine)) {
      machines.push({ by: 'machines', what: `${machine}: ${what}` });
    }
  }
  return [
    ...brokenRelations(deployment),
    ...[...contradictions(deployment, lives)].map((what) => ({ by: 'alarms' as const, what })),
    ...machines,
  ];
}

/** What shows that an edit is wrong, the cheapest first; undefined for a survivor. */
export async function judge(ground: Ground, edit: Edit): Promise<Finding | undefined> {
  try {
    const deployment = readDeployment(ground.config, edit.apply(ground.stacks));
    const [broken] = brokenRelations(deployment);
    if (broken !== undefined) return broken;
    const [rung] = alarmFindings(ground, deployment, edit);
    if (rung !== undefined) return { by: 'alarms', what: rung };
    if (edit.type !== 'StateMachine' || !isMachine(edit.resource)) return undefined;
    for await (const what of machineFindings(deployment, edit.resource, edit.state)) {
      return { by: 'machines', what };
    }
    return undefined;
  } catch (error) {
    // A service would refuse to create it, or nothing sends what an alarm waits for.
    const refused =
      error instanceof UnresolvedTemplate || error instanceof UnknownMetric || isBadDefinition(error);
    if (!refused) throw new Error(edit.name, { cause: error });
    // What only this machine does not know shows nothing.
    if (/not (known|evaluated|computed) here/.test(error.message)) return undefined;
    return { by: 'a refusal', what: error.message };
  }
}

function isBadDefinition(error: unknown): error is Error {
  return error instanceof Error && error.name === 'BadDefinition';
}

function brokenRelations(deployment: Deployment): Finding[] {
  return RELATIONS.flatMap(({ name, broken }): Finding[] => {
    const where = attempt(() => broken(deployment));
    return where.length === 0 ? [] : [{ by: 'a relation', what: `${name}: ${where.join(', ')}` }];
  });
}

/** A relation can't hold where a part that it is about is not there any more. */
function attempt(broken: () => readonly string[]): readonly string[] {
  try {
    return broken();
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** An alarm's own edit leaves what is measured as it was; others may change it for all alarms. */
function alarmFindings(
  { deployment: before, lives }: Ground,
  deployment: Deployment,
  edit: Edit,
): Iterable<string> {
  if (edit.type === 'Alarm') {
    const changed = deployment.resources.alarms.filter(({ name }) => name.endsWith(`-${edit.resource}`));
    return contradictions(deployment, lives, changed);
  }
  const startsOrRetries = ['Schedule', 'EventInvokeConfig', 'Function'].includes(edit.type);
  return startsOrRetries && !sameStarts(before, deployment)
    ? contradictions(deployment, histories(deployment))
    : [];
}

function sameStarts(before: Deployment, after: Deployment): boolean {
  const told = ({ resources }: Deployment): string =>
    JSON.stringify([resources.schedules, resources.functions.map(({ asynchronous }) => asynchronous)]);
  return told(before) === told(after);
}
