import type { DeployedResources } from './assembly/resources';
import { athenaService, type QueryExecutionRecord } from './athena/endpoint';
import { AthenaEngine } from './athena/engine';
import { type EventBusDelivery, eventBridge } from './event-bridge/endpoint';
import { ADMINISTRATOR_KEY, Identities } from './iam/identities';
import { type FunctionInvoker, lambdaService } from './lambda/endpoint';
import { s3Service } from './s3/endpoint';
import { ObjectStore } from './s3/object-store';
import { secretsManager } from './secrets-manager/endpoint';
import { type ExecutionKeeper, stepFunctions } from './step-functions/endpoint';
import type { AwsCall, Death, FaultPlan } from './wire/calls';
import { type Service, serve } from './wire/service-server';

const VARIABLES: Readonly<Record<Service['name'], string>> = {
  s3: 'AWS_ENDPOINT_URL_S3',
  athena: 'AWS_ENDPOINT_URL_ATHENA',
  secretsmanager: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  events: 'AWS_ENDPOINT_URL_EVENTBRIDGE',
  lambda: 'AWS_ENDPOINT_URL_LAMBDA',
  states: 'AWS_ENDPOINT_URL_SFN',
};

export interface AwsEndpointsOptions {
  readonly resources: DeployedResources;
  /** Objects go to `<directory>/s3/<bucket>/<key>`; the rest beside is the emulation's own. */
  readonly directory: string;
  /** The clock that objects, queries and events are stamped with, and that NOW means in SQL. */
  readonly now: () => Date;
  /** Values of secrets by name or ARN. */
  readonly secretValues?: Readonly<Record<string, string>>;
  readonly faults?: FaultPlan;
  /** Sees every request before anything is done with it. */
  readonly onCall?: (call: AwsCall) => void;
  /** Receives each event that was put, with the rules that it matches. */
  readonly onEvent?: (delivery: EventBusDelivery) => void;
  /** Asked to end a function on the spot when a fault says so. */
  readonly onCrash: (caller: string, by: Death) => void;
  /** What runs functions and state machines; without it there are no endpoints for them. */
  readonly compute?: { readonly functions: FunctionInvoker; readonly executions: ExecutionKeeper };
}

export interface AwsEndpoints {
  /** Who may do what, and what each statement was good for. */
  readonly identities: Identities;
  /** What a process needs so that its SDK clients come here: endpoints, region, the operator's credentials. */
  readonly environment: Readonly<Record<string, string>>;
  /** The buckets, for reading and writing without the wire. */
  readonly objects: ObjectStore;
  /** Number of calls so far by `service:operation`, such as `s3:PutObject`. */
  callCounts(): Readonly<Record<string, number>>;
  /** Queries with state and bytes scanned, oldest first; of long runs the last thousands. */
  queries(): readonly QueryExecutionRecord[];
  /** Gives a secret, by name or ARN, a new value. */
  setSecret(id: string, value: string): void;
  /** Stops queries, closes connections and ports; files stay. */
  close(): Promise<void>;
}

/**
 * Starts the services that the deployed functions and the command line call, on free ports of 127.0.0.1. The local runtime calls it
 * once for a run; several may live side by side in directories of their own.
 * @throws Error when the directory cannot be written, a declared view cannot be read or a role can't be assumed.
 */
export async function startAwsEndpoints(options: AwsEndpointsOptions): Promise<AwsEndpoints> {
  const { resources, directory, now, compute } = options;
  const store = new ObjectStore(directory, new Set(resources.buckets.map(({ name }) => name)), now);
  const engine = await AthenaEngine.create({ store, databases: resources.databases, directory, now });
  const { region, account, workgroups } = resources;
  const athena = athenaService({ engine, store, workgroups, region, account, now });
  const identities = new Identities(resources);
  const secrets = secretsManager({ secrets: resources.secrets, values: options.secretValues ?? {}, now });
  const services: readonly Service[] = [
    s3Service(store),
    athena,
    secrets,
    eventBridge({
      region,
      account,
      rules: resources.rules,
      now,
      onEvent: options.onEvent,
    }),
    ...(compute === undefined
      ? []
      : [
          lambdaService({ functions: resources.functions, invoker: compute.functions }),
          stepFunctions({ machines: resources.stateMachines, executions: compute.executions }),
        ]),
  ];
  const counts: Record<string, number> = {};
  const environment: Record<string, string> = {
    AWS_REGION: resources.region,
    AWS_DEFAULT_REGION: resources.region,
    AWS_ACCESS_KEY_ID: ADMINISTRATOR_KEY,
    AWS_SECRET_ACCESS_KEY: 'local',
  };
  const servers = await Promise.all(
    services.map(async (service) => {
      const server = await serve(service, {
        callerOf: (authorization) => identities.ofAuthorization(authorization),
        faults: options.faults,
        onCrash: options.onCrash,
        onCall: (call) => {
          const name = `${call.service}:${call.operation}`;
          counts[name] = (counts[name] ?? 0) + 1;
          options.onCall?.(call);
        },
      });
      environment[VARIABLES[service.name]] = server.url;
      return server;
    }),
  );
  return {
    environment,
    identities,
    objects: store,
    callCounts: () => ({ ...counts }),
    queries: () => athena.executions(),
    setSecret: (id, value) => secrets.setSecret(id, value),
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await athena.stop();
      engine.close();
    },
  };
}
