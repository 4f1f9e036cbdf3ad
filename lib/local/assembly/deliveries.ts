import * as z from 'zod';
import type { Placed } from './identities';
import { UnresolvedTemplate } from './intrinsics';
import type { TemplateReader } from './reader';
import type { RuleResource, ScheduleResource, StateMachineResource } from './resources';

const stateMachineProperties = z.object({ DefinitionString: z.string(), RoleArn: z.string() });

const scheduleProperties = z.object({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.enum(['UTC', 'Etc/UTC']).optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  FlexibleTimeWindow: z.object({ Mode: z.literal('OFF') }).optional(),
  Target: z.strictObject({
    Arn: z.string(),
    RoleArn: z.string(),
    Input: z.string().default('{}'),
    // Scheduler's own defaults.
    RetryPolicy: z
      .object({
        MaximumEventAgeInSeconds: z.number().default(86_400),
        MaximumRetryAttempts: z.number().default(185),
      })
      .prefault({}),
    DeadLetterConfig: z.object({ Arn: z.string() }).optional(),
  }),
});

const ruleProperties = z.object({
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  EventBusName: z.string().default('default'),
  EventPattern: z.unknown().optional(),
  ScheduleExpression: z.string().optional(),
  Targets: z
    .array(
      // A transformed input, with text rules of its own, is among what is refused: the state machine can do as much.
      z.strictObject({
        Id: z.string().optional(),
        Arn: z.string(),
        RoleArn: z.string().optional(),
        Input: z.string().optional(),
        InputPath: z.string().optional(),
        DeadLetterConfig: z.object({ Arn: z.string() }).optional(),
        RetryPolicy: z.unknown().optional(),
      }),
    )
    .default([]),
});

export function readStateMachine(template: TemplateReader, placed: Placed): StateMachineResource {
  const { DefinitionString, RoleArn } = template.properties(placed, stateMachineProperties);
  const { ref, attributes } = template.identity(placed);
  const definition: unknown = JSON.parse(DefinitionString);
  return { name: attributes.Name ?? ref, arn: ref, roleArn: RoleArn, definition };
}

export function readSchedule(template: TemplateReader, placed: Placed): ScheduleResource[] {
  const properties = template.properties(placed, scheduleProperties);
  if (properties.State === 'DISABLED') return [];
  const { Target } = properties;
  return [
    {
      name: template.ref(placed),
      arn: template.identity(placed).attributes.Arn ?? '',
      roleArn: Target.RoleArn,
      expression: properties.ScheduleExpression,
      targetArn: Target.Arn,
      input: Target.Input,
      maximumEventAgeSeconds: Target.RetryPolicy.MaximumEventAgeInSeconds,
      maximumRetryAttempts: Target.RetryPolicy.MaximumRetryAttempts,
      ...(Target.DeadLetterConfig === undefined ? {} : { deadLetterArn: Target.DeadLetterConfig.Arn }),
    },
  ];
}

export function readRule(template: TemplateReader, placed: Placed): RuleResource[] {
  const properties = template.properties(placed, ruleProperties);
  if (properties.State === 'DISABLED') return [];
  if (properties.ScheduleExpression !== undefined) {
    const reason = 'scheduled rules are not known here; use EventBridge Scheduler';
    throw new UnresolvedTemplate(`Rule ${template.ref(placed)}: ${reason}`);
  }
  return [
    {
      name: template.ref(placed),
      arn: template.identity(placed).attributes.Arn ?? '',
      busName: properties.EventBusName.replace(/^arn:.*:event-bus\//, ''),
      pattern: properties.EventPattern,
      targets: properties.Targets.map(({ Arn, DeadLetterConfig, Input, InputPath, RoleArn }) => ({
        arn: Arn,
        ...(RoleArn === undefined ? {} : { roleArn: RoleArn }),
        ...(DeadLetterConfig === undefined ? {} : { deadLetterArn: DeadLetterConfig.Arn }),
        ...(Input === undefined ? {} : { input: Input }),
        ...(InputPath === undefined ? {} : { inputPath: InputPath }),
      })),
    },
  ];
}
