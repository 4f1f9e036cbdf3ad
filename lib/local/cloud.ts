import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readAssembly } from './assembly/assembly';
import type { DeployedResources, FunctionResource, RuleResource, RuleTarget } from './assembly/resources';
import { VirtualClock } from './clock';
import { type AlarmChange, alarmChanges } from './cloudwatch/alarms';
import { checkMeasured, measured } from './cloudwatch/measured';
import type { MetricData } from './cloudwatch/metric-data';
import type { MetricRecord } from './cloudwatch/metric-lines';
import { type AwsEndpoints, startAwsEndpoints } from './endpoints';
import type { BusEvent, EventBusDelivery } from './event-bridge/endpoint';
import { matchesPattern } from './event-bridge/event-pattern';
import { targetInput } from './event-bridge/rule-targets';
import { AccessDenied, type Caller } from './iam/access';
import { ADMINISTRATOR_KEY } from './iam/identities';
import { ConcurrencyLimit, Throttled } from './lambda/concurrency';
import { type InvocationResult, LambdaRuntime } from './lambda/runtime';
import { EventScheduler } from './scheduler/scheduler';
import type { Execution } from './step-functions/execution';
import { StateMachines } from './step-functions/interpreter';
import type { FunctionResult } from './step-functions/runner';
import type { Death, FaultPlan } from './wire/calls';

export interface LocalCloudOptions {
  /** What `cdk synth` wrote. */
  readonly assemblyDirectory: string;
  /** Where objects, logs and results go; made when it is not there. */
  readonly directory: string;
  /** First instant of virtual time. */
  readonly start: Date;
  /** Executions of functions that the account may run at once; 1,000 by default, as in an account of some age. */
  readonly accountConcurrency?: number;
  /** Environments of one function that this machine runs side by side, while others wait; two by default. */
  readonly concurrency?: number;
  readonly faults?: FaultPlan;
  /**
   * Real time that functions and tasks may take, as a multiple of what they were deployed with; 1 by default. For tests,
   * so that a busy machine is no failure.
   */
  readonly patience?: number;
  /** Values of functions' environments that become others here: addresses of the world outside AWS. */
  readonly replacedEnvironment?: ReadonlyMap<string, string>;
  /** What every secret holds from the start. */
  readonly secretValue?: string;
  /** Told of every invocation once it has ended. */
  readonly onInvocation?: (record: InvocationRecord) => void;
  /** Awaited by `close`. */
  readonly onClose?: () => Promise<void>;
}

/** One invocation of a function, whoever asked for it. */
export interface InvocationRecord {
  readonly function: string;
  readonly source: 'direct' | 'asynchronous' | 'state machine';
  /** Virtual time. */
  readonly at: string;
  readonly event: unknown;
  readonly result: InvocationResult;
}

/** An event that no retry delivered, and the queue that would hold it. */
export interface DeadLetter {
  readonly queueArn: string | undefined;
  readonly at: string;
  readonly payload: unknown;
  readonly reason: string;
}

/**
 * The application of an assembly, running on this machine under virtual time: functions in workers, state
 * machines interpreted, schedules and rules fired, AWS answered on 127.0.0.1.
 * Time moves only through `advanceTo` and `settle`, and while `execute` or `redrive` waits; an execution that was
 * started at the wire waits for one of them.
 */
export class LocalCloud {
  private readonly records: InvocationRecord[] = [];
  private readonly bus: BusEvent[] = [];
  private readonly dead: DeadLetter[] = [];
  private readonly ended: Execution[] = [];
  private readonly received: { readonly function: string; readonly at: string }[] = [];
  private readonly since: Date;
  private readonly functions: ReadonlyMap<string, FunctionResource>;
  private readonly scheduler: EventScheduler;
  private readonly machines: StateMachines;
  private readonly account: ConcurrencyLimit;
  private readonly s3: S3Client;
  /** Clients of machines, whose Maps read their items under the machine's role. */
  private readonly readers = new Map<string, S3Client>();

  private constructor(
    readonly resources: DeployedResources,
    readonly clock: VirtualClock,
    private readonly endpoints: AwsEndpoints,
    private readonly runtime: LambdaRuntime,
    private readonly options: LocalCloudOptions,
  ) {
    this.account = new ConcurrencyLimit(options.accountConcurrency ?? 1_000);
    this.since = clock.now();
    this.s3 = this.s3Client(ADMINISTRATOR_KEY);
    this.functions = new Map(resources.functions.flatMap((fn) => [[fn.name, fn] as const, [fn.arn, fn]]));
    this.machines = new StateMachines({
      machines: resources.stateMachines,
      clock,
      patience: options.patience ?? 1,
      invokeFunction: (nameOrArn, payload, machineArn) => this.invokeForState(nameOrArn, payload, machineArn),
      readObject: (bucket, key, machineArn) => this.readText(bucket, key, machineArn),
      allows: (machineArn, action, resource) => endpoints.identities.of(machineArn).allows(action, resource),
      onEnd: (execution) => this.announce(execution),
    });
    this.scheduler = new EventScheduler({
      schedules: resources.schedules,
      clock,
      deliver: ({ arn, targetArn }, input) => this.deliver(endpoints.identities.of(arn), targetArn, input),
      onDeadLetter: ({ arn, deadLetterArn }, payload, reason) =>
        this.bury(endpoints.identities.of(arn), deadLetterArn, payload, reason),
    });
  }

  /**
   * @throws UnresolvedTemplate or BadDefinition when the assembly holds something that can't be run here.
   */
  static async start(options: LocalCloudOptions): Promise<LocalCloud> {
    const { secretValue } = options;
    const deployed = readAssembly(options.assemblyDirectory);
    const clock = new VirtualClock(options.start);
    const now = (): Date => clock.now();
    mkdirSync(options.directory, { recursive: true });
    const resources = withEnvironment(deployed, options.replacedEnvironment ?? new Map());
    let cloud: LocalCloud | undefined;
    /** The endpoints start before the cloud that answers behind them; nobody calls them in between. */
    const running = (): LocalCloud => {
      if (cloud === undefined) throw new Error('The local cloud is still starting.');
      return cloud;
    };
    const endpoints = await startAwsEndpoints({
      resources,
      directory: options.directory,
      now,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
      onEvent: (delivery) => running().route(delivery),
      onCrash: (caller, by) => running().crash(caller, by),
      ...(secretValue === undefined
        ? {}
        : { secretValues: Object.fromEntries(resources.secrets.map(({ arn }) => [arn, secretValue])) }),
      compute: {
        functions: {
          invoke: (name, event) => running().invoke(name, event),
          invokeLater: (name, event) => running().invokeLater(name, event),
        },
        executions: {
          start: (machineArn, input, name) => running().machines.start(machineArn, input, name),
          find: (arn) => running().machines.find(arn),
          findMapRun: (arn) => running().machines.findMapRun(arn),
          list: () => running().executions(),
        },
      },
    });
    const runtime = new LambdaRuntime({
      functions: resources.functions,
      environmentOf: ({ arn }) => ({ ...endpoints.environment, ...endpoints.identities.credentialsOf(arn) }),
      mayLog: ({ arn, logGroup }, stream) => {
        const { region, account } = resources;
        const streamArn = `arn:aws:logs:${region}:${account}:log-group:${logGroup}:log-stream:${stream}`;
        return ['logs:CreateLogStream', 'logs:PutLogEvents'].every((action) =>
          endpoints.identities.of(arn).allows(action, streamArn),
        );
      },
      region: resources.region,
      logsDirectory: join(options.directory, 'logs'),
      now,
      concurrency: options.concurrency ?? 2,
      ...(options.patience !== undefined && { patience: options.patience }),
    });
    cloud = new LocalCloud(resources, clock, endpoints, runtime, options);
    return cloud;
  }

  now(): Date {
    return this.clock.now();
  }

  /** The function's, machine's, bucket's … full name, by the end that it has in every stage. */
  name(kind: 'functions' | 'stateMachines' | 'buckets' | 'databases' | 'workgroups', suffix: string): string {
    const found = this.resources[kind].filter(({ name }) => name.endsWith(suffix));
    const [only] = found;
    if (only === undefined || found.length > 1) {
      throw new Error(`${found.length} of the ${kind} have a name that ends with "${suffix}"`);
    }
    return only.name;
  }

  /** A bucket by the end of its name: `raw`, `processed`, `models`, `query-results`. */
  bucket(suffix: string): { readonly client: S3Client; readonly name: string } {
    return { client: this.s3, name: this.name('buckets', `-${suffix}`) };
  }

  /** The objects of a bucket whose keys begin with the prefix, straight from the disk. */
  *objects(suffix: string, prefix: string): Generator<{ readonly key: string; readonly bytes: Buffer }> {
    for (const { key, path } of this.endpoints.objects.files(this.name('buckets', `-${suffix}`), prefix)) {
      yield { key, bytes: readFileSync(path) };
    }
  }

  /** Invokes a function and waits for its answer, without moving time. */
  async invoke(functionName: string, event: unknown): Promise<InvocationResult> {
    return this.run(functionName, event, 'direct');
  }

  /** Runs a state machine to its end. */
  async execute(machineName: string, input: unknown): Promise<Execution> {
    const arn = this.machines.start(machineName, input);
    return this.finish(arn);
  }

  /** Begins an execution of a state machine, which goes on while time does. */
  begin(machineName: string, input: unknown): void {
    this.machines.start(machineName, input);
  }

  /** Redrives a failed execution and runs it to its end. */
  async redrive(executionArn: string): Promise<Execution> {
    this.machines.redrive(executionArn);
    return this.finish(executionArn);
  }

  /**
   * Lives until `instant` (exclusive): every schedule fires at its minutes, the present one included, and
   * each instant's work is done before time goes on.
   */
  async advanceTo(instant: Date): Promise<void> {
    this.scheduler.start();
    try {
      await this.clock.run(instant);
    } finally {
      this.scheduler.stop();
    }
  }

  /**
   * Lets everything that has begun come to its end, schedules standing still; with an instant, time stops or
   * arrives there.
   */
  async settle(until?: Date): Promise<void> {
    await this.clock.run(until);
  }

  /** Ends the environments of a function that are at work, as if they had died. */
  crash(functionName: string, by: Death = 'kill'): void {
    this.runtime.crash(functionName, by);
  }

  /** Ends warm environments that are idle: memory for what comes next. */
  recycle(): Promise<void> {
    return this.runtime.recycle();
  }

  invocations(): readonly InvocationRecord[] {
    return this.records;
  }

  executions(): Execution[] {
    return this.machines.list();
  }

  /** Child executions of distributed Maps, oldest first. */
  childExecutions(): Execution[] {
    return this.machines.listChildren();
  }

  /** Events that functions put on the bus. */
  events(): readonly BusEvent[] {
    return this.bus;
  }

  metrics(): readonly MetricRecord[] {
    return this.runtime.metrics();
  }

  deadLetters(): readonly DeadLetter[] {
    return this.dead;
  }

  /** All that CloudWatch would have measured up to now. */
  measured(): MetricData {
    return measured(this.resources, {
      invocations: this.records,
      received: this.received,
      executions: [...this.executions(), ...this.machines.listChildren()],
      ended: this.ended,
      deadLetters: this.dead,
      emitted: this.metrics(),
    });
  }

  /** The life of each alarm up to now, by its name; all were made when the cloud started. @throws UnknownMetric */
  alarms(): ReadonlyMap<string, readonly AlarmChange[]> {
    const data = this.measured();
    return new Map(
      this.resources.alarms.map((alarm) => {
        for (const { metric } of alarm.metrics) checkMeasured(this.resources, metric);
        return [alarm.name, alarmChanges(alarm, data, { from: this.since, to: this.now() })];
      }),
    );
  }

  /** The endpoints themselves, for tests that ask or disturb a service. */
  get services(): AwsEndpoints {
    return this.endpoints;
  }

  async close(): Promise<void> {
    this.scheduler.stop();
    await this.runtime.close();
    for (const client of [this.s3, ...this.readers.values()]) client.destroy();
    await Promise.all([this.endpoints.close(), this.options.onClose?.()]);
  }

  private s3Client(accessKeyId: string): S3Client {
    const { AWS_ENDPOINT_URL_S3: endpoint } = this.endpoints.environment;
    return new S3Client({
      ...(endpoint === undefined ? {} : { endpoint }),
      region: this.resources.region,
      credentials: { accessKeyId, secretAccessKey: 'local' },
    });
  }

  private async readText(bucket: string, key: string, machineArn: string): Promise<string> {
    const client =
      this.readers.get(machineArn) ?? this.s3Client(this.endpoints.identities.accessKeyOf(machineArn));
    this.readers.set(machineArn, client);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (Body === undefined) throw new Error(`s3://${bucket}/${key} came without a body`);
    return Body.transformToString();
  }

  private async finish(arn: string): Promise<Execution> {
    await this.clock.run(undefined, () => this.machines.describe(arn).status !== 'RUNNING');
    return this.machines.describe(arn);
  }

  private async run(
    nameOrArn: string,
    event: unknown,
    source: InvocationRecord['source'],
  ): Promise<InvocationResult> {
    const at = this.now().toISOString();
    const release = this.account.take();
    const result = await this.clock.track(this.runtime.invoke(nameOrArn, event)).finally(release);
    const name = this.functions.get(nameOrArn)?.name ?? nameOrArn;
    const record: InvocationRecord = { function: name, source, at, event, result };
    this.records.push(record);
    this.options.onInvocation?.(record);
    return result;
  }

  private async invokeForState(
    nameOrArn: string,
    payload: unknown,
    machineArn: string,
  ): Promise<FunctionResult> {
    const fn = this.functions.get(nameOrArn);
    if (fn === undefined) {
      return { error: 'Lambda.ResourceNotFoundException', cause: `Function not found: ${nameOrArn}` };
    }
    try {
      this.endpoints.identities.of(machineArn).require('lambda:InvokeFunction', fn.arn);
    } catch (error) {
      if (!(error instanceof AccessDenied)) throw error;
      const cause = `${error.message} (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException)`;
      return { error: 'Lambda.AWSLambdaException', cause };
    }
    let result: InvocationResult;
    try {
      result = await this.run(nameOrArn, payload, 'state machine');
    } catch (error) {
      if (!(error instanceof Throttled)) throw error;
      return { error: 'Lambda.TooManyRequestsException', cause: error.message };
    }
    const { functionError, payload: answer } = result;
    if (functionError === undefined) return { payload: answer };
    // Step Functions sees no error type when a sandbox dies under an invocation.
    const error = functionError.kind === 'exit' ? 'Lambda.Unknown' : functionError.errorType;
    return { error, cause: JSON.stringify(answer) };
  }

  private invokeLater(name: string, event: unknown): void {
    const fn = this.functions.get(name);
    if (fn !== undefined) void this.invokeAsynchronously(fn, event);
  }

  /** @throws Error when there is no such target, AccessDenied when the caller may not reach it. */
  private deliver(caller: Caller, targetArn: string, input: unknown): void {
    if (this.functions.has(targetArn)) {
      caller.require('lambda:InvokeFunction', targetArn);
      this.invokeLater(targetArn, input);
    } else if (this.resources.stateMachines.some(({ arn }) => arn === targetArn)) {
      caller.require('states:StartExecution', targetArn);
      this.machines.start(targetArn, input);
    } else if (this.resources.queues.some(({ arn }) => arn === targetArn)) {
      this.bury(caller, targetArn, input, 'sent by a rule');
    } else if (!this.resources.topics.some(({ arn }) => arn === targetArn)) {
      throw new Error(`No target ${targetArn}`);
    }
  }

  /**
   * Lambda's event invocation: a failure is tried again after one and two minutes, then given up. One that is throttled
   * is tried again after a second, then twice as long each time, five minutes at most, while it is young enough:
   * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
   */
  private async invokeAsynchronously(fn: FunctionResource, input: unknown): Promise<void> {
    const { maximumRetryAttempts, maximumEventAgeSeconds, onFailureArn } = fn.asynchronous;
    const received = this.now().getTime();
    this.received.push({ function: fn.name, at: this.now().toISOString() });
    for (let attempt = 0, throttles = 0; ; ) {
      const reason = await this.attempt(fn, input);
      if (reason === undefined) return;
      const throttled = reason instanceof Throttled;
      const wait = throttled ? Math.min(2 ** throttles, 300) : attempt === 0 ? 60 : 120;
      const age = (this.now().getTime() - received) / 1000 + wait;
      if ((!throttled && attempt >= maximumRetryAttempts) || age > maximumEventAgeSeconds) {
        this.bury(this.endpoints.identities.of(fn.arn), onFailureArn, input, reason.message);
        return;
      }
      if (throttled) throttles += 1;
      else attempt += 1;
      await this.clock.sleep(wait);
    }
  }

  /** Why an asynchronous invocation did not succeed; undefined when it did. */
  private async attempt(fn: FunctionResource, input: unknown): Promise<{ message: string } | undefined> {
    try {
      const { functionError } = await this.run(fn.name, input, 'asynchronous');
      return functionError && { message: functionError.errorMessage };
    } catch (error) {
      if (error instanceof Throttled) return error;
      throw error;
    }
  }

  /** What the caller may not send to the queue is lost; the denial tells. */
  private bury(caller: Caller, queueArn: string | undefined, payload: unknown, reason: string): void {
    if (queueArn !== undefined) {
      try {
        caller.require('sqs:SendMessage', queueArn);
      } catch (error) {
        if (error instanceof AccessDenied) return;
        throw error;
      }
    }
    this.dead.push({ queueArn, at: this.now().toISOString(), payload, reason });
  }

  private route({ event, rules }: EventBusDelivery): void {
    this.bus.push(event);
    for (const rule of rules) {
      for (const target of rule.targets) this.send(rule, target, event);
    }
  }

  private send(rule: RuleResource, target: RuleTarget, event: BusEvent): void {
    const { identities } = this.endpoints;
    try {
      this.deliver(identities.ofTarget(rule, target), target.arn, targetInput(target, event));
    } catch (error) {
      const reason = `rule ${rule.name}: ${error instanceof Error ? error.message : error}`;
      this.bury(identities.ofRule(rule), target.deadLetterArn, event, reason);
    }
  }

  /** Step Functions tells the default bus of every execution that ends; rules may listen. */
  private announce(execution: Execution): void {
    this.ended.push(execution);
    // Child executions of a distributed Map are measured, and send no events.
    if (execution.machine.includes('/')) return;
    const event: BusEvent = {
      version: '0',
      id: execution.arn,
      'detail-type': 'Step Functions Execution Status Change',
      source: 'aws.states',
      account: this.resources.account,
      time: this.now()
        .toISOString()
        .replace(/\.\d{3}Z$/, 'Z'),
      region: this.resources.region,
      resources: [execution.arn],
      detail: {
        executionArn: execution.arn,
        stateMachineArn: this.resources.stateMachines.find(({ name }) => name === execution.machine)?.arn,
        name: execution.name,
        status: execution.status,
        input: JSON.stringify(execution.input),
      },
    };
    const rules = this.resources.rules.filter(
      ({ busName, pattern }) =>
        busName === 'default' && pattern !== undefined && matchesPattern(pattern, event),
    );
    if (rules.length > 0) this.route({ busName: 'default', event, rules });
  }
}

/** The functions with some values of their environments replaced. */
function withEnvironment(
  resources: DeployedResources,
  replaced: ReadonlyMap<string, string>,
): DeployedResources {
  const local = (environment: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, replaced.get(value) ?? value]),
    );
  return {
    ...resources,
    functions: resources.functions.map((fn) => ({ ...fn, environment: local(fn.environment) })),
  };
}
