import type { MetricStatistic } from '../cloudwatch/metric';
import type { Role } from '../iam/access';
import type { Policy } from '../iam/policy';

/**
 * What the local cloud needs to know of a deployed application, read from the synthesised templates with
 * every intrinsic resolved. The assembly reader makes it; the service emulations take their part of it.
 */
export interface DeployedResources {
  readonly region: string;
  readonly account: string;
  readonly buckets: readonly BucketResource[];
  readonly databases: readonly DatabaseResource[];
  readonly workgroups: readonly WorkgroupResource[];
  readonly secrets: readonly SecretResource[];
  readonly functions: readonly FunctionResource[];
  readonly stateMachines: readonly StateMachineResource[];
  readonly schedules: readonly ScheduleResource[];
  readonly rules: readonly RuleResource[];
  readonly topics: readonly TopicResource[];
  readonly queues: readonly QueueResource[];
  readonly alarms: readonly AlarmResource[];
  readonly roles: readonly Role[];
  /** Policies of buckets, queues, topics and functions. */
  readonly resourcePolicies: readonly Policy[];
}

export interface BucketResource {
  readonly name: string;
}

export interface DatabaseResource {
  readonly name: string;
  readonly tables: readonly GlueTable[];
}

/** The part of Glue's TableInput that queries depend on. */
export interface GlueTable {
  readonly name: string;
  readonly type: 'EXTERNAL_TABLE' | 'VIRTUAL_VIEW';
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly partitionKeys: readonly { readonly name: string; readonly type: string }[];
  /** `s3://bucket/prefix/`; absent for views. */
  readonly location?: string;
  /** Serialization library of the storage descriptor, which tells JSON from Parquet. */
  readonly serde?: string;
  /** Table parameters: partition projection, classification. */
  readonly parameters: Readonly<Record<string, string>>;
  /** As whom a view runs that does not run as its invoker. */
  readonly owner?: string;
  /** Presto view text as Glue stores it; present for views. */
  readonly viewOriginalText?: string;
}

export interface WorkgroupResource {
  readonly name: string;
  readonly enforceConfiguration: boolean;
  /** `s3://bucket/prefix/` that results and CTAS tables go to. */
  readonly outputLocation: string;
  readonly bytesScannedCutoff?: number;
}

export interface SecretResource {
  readonly name: string;
  readonly arn: string;
}

export interface FunctionResource {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  readonly logGroup: string;
  readonly handler: string;
  /** Directory with the bundled code, as uploaded by `cdk deploy`. */
  readonly assetDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
  /** What becomes of an asynchronous invocation that fails. */
  readonly asynchronous: {
    readonly maximumRetryAttempts: number;
    readonly maximumEventAgeSeconds: number;
    readonly onFailureArn?: string;
  };
}

export interface StateMachineResource {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** Amazon States Language, parsed, with every ARN resolved. */
  readonly definition: unknown;
}

export interface ScheduleResource {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** `rate(1 minute)`, `cron(5 * * * ? *)`; always UTC. */
  readonly expression: string;
  readonly targetArn: string;
  /** JSON text; may contain `<aws.scheduler.scheduled-time>`. */
  readonly input: string;
  readonly maximumEventAgeSeconds: number;
  readonly maximumRetryAttempts: number;
  readonly deadLetterArn?: string;
}

export interface RuleResource {
  readonly name: string;
  readonly arn: string;
  readonly busName: string;
  readonly pattern?: unknown;
  readonly targets: readonly RuleTarget[];
}

export interface RuleTarget {
  readonly arn: string;
  /** Absent where the target's own policy lets EventBridge in. */
  readonly roleArn?: string;
  readonly deadLetterArn?: string;
  /** JSON text in place of the event. */
  readonly input?: string;
  /** Part of the event, such as `$.detail`. */
  readonly inputPath?: string;
}

export interface TopicResource {
  readonly name: string;
  readonly arn: string;
}

export interface QueueResource {
  readonly name: string;
  readonly arn: string;
}

export interface AlarmResource {
  readonly name: string;
  /** What is judged: the one metric, or a metric math expression over those of the ids. */
  readonly metrics: readonly { readonly id: string; readonly metric: MetricStatistic }[];
  readonly expression?: string;
  readonly periodSeconds: number;
  readonly comparison:
    | 'GreaterThanOrEqualToThreshold'
    | 'GreaterThanThreshold'
    | 'LessThanThreshold'
    | 'LessThanOrEqualToThreshold';
  readonly threshold: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly treatMissingData: 'breaching' | 'notBreaching' | 'ignore' | 'missing';
  /** Whole periods of the UTC clock are judged, instead of those up to now. */
  readonly wallClock: boolean;
  /** ARNs of the topics that are told. */
  readonly tells: readonly string[];
}
