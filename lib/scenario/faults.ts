import * as z from 'zod';
import { seededRandom } from '../local/random';
import type { AwsCall, Fault, FaultPlan } from '../local/wire/calls';

type Kinds = (call: AwsCall) => readonly Fault[];

const KINDS: readonly Fault[] = [
  { kind: 'throttle' },
  { kind: 'serverError' },
  { kind: 'latency', milliseconds: 20 },
  { kind: 'lostReply' },
];

/**
 * Of tries that follow a failed one, no more than this share fails as well: the SDK has a quota of retries for all
 * requests of a client, gets back less than a request that fails twice has cost, and makes none once it is spent.
 */
const HIGHEST_RATE_OF_RETRIES = 0.1;

/**
 * A repeatable fault plan: each try of a request to AWS fails with the given probability, in one of the ways that the
 * SDK's own retries are there for, but never its client's last one. Replies that say something else are tried again by
 * who reads them: of calls for the same subject, the one after such a reply is told the truth.
 */
export function awsFaultsAtRate(rate: number, seed: string, kindsOf: Kinds = () => KINDS): FaultPlan {
  const seen = new Map<string, { count: number; toldOtherwise: boolean }>();
  return (call) => {
    const { service, operation, caller, subject, attempt, attempts } = call;
    const kinds = kindsOf(call);
    const key = `${service}:${operation}:${caller}:${subject}`;
    const { count, toldOtherwise } = seen.get(key) ?? { count: 0, toldOtherwise: false };
    const random = seededRandom(`${seed}:${key}:${count}`);
    const failing = attempt === 1 ? rate : Math.min(rate, HIGHEST_RATE_OF_RETRIES);
    const drawn = random() < failing ? kinds[Math.floor(random() * kinds.length)] : undefined;
    const isGotOver = drawn?.kind === 'otherReply' ? !toldOtherwise : attempt < attempts;
    const fault = isGotOver ? drawn : undefined;
    seen.set(key, {
      count: count + 1,
      toldOtherwise: fault !== undefined && (toldOtherwise || fault.kind === 'otherReply'),
    });
    return fault;
  };
}

/** What retries get over too, beside the kinds that every service knows. */
const OF_SERVICE: Readonly<Record<string, readonly Fault[]>> = {
  s3: [{ kind: 'slowBody', milliseconds: 20 }, { kind: 'reset' }],
  athena: [{ kind: 'reset' }],
  secretsmanager: [{ kind: 'reset' }],
  events: [{ kind: 'reset' }, { kind: 'otherReply', body: refuseFirstEntry }],
};
const OF_QUERIES: readonly Fault[] = [
  { kind: 'otherReply', body: (body) => failedQuery(body, 'GENERIC_INTERNAL_ERROR: Injected.', true) },
  { kind: 'otherReply', body: (body) => failedQuery(body, 'Query exhausted resources. Injected.', false) },
];
/** No retry of the run gets over these: a function dies, or Athena calls the data bad that is not. */
const LASTING: readonly Fault[] = [
  { kind: 'crash', when: 'before' },
  { kind: 'crash', when: 'after' },
  { kind: 'crash', when: 'before', by: 'timeLimit' },
  { kind: 'crash', when: 'after', by: 'timeLimit' },
];
const OF_QUERIES_LASTING: Fault = {
  kind: 'otherReply',
  body: (body) => failedQuery(body, 'HIVE_CURSOR_ERROR: Failed to read a file. Injected.', false),
};
/** How many calls fail in a way that a retry gets over, for each that ends its run. */
const PASSING_PER_LASTING = 100;
/** A key is kept for an hour, so that half of the few calls for it have to fail. */
const SECRETS_RATE = 0.5;
/** A function looks at a query that long in vain: three seconds of real time, ever less often. */
const LOOKS_AT_QUEUE = 10;

/**
 * A repeatable fault plan for long runs. In the given share of calls: what every service does, what single ones do
 * besides, and queries that fail although they did their work or did none, all of which tries of their callers get
 * over. A hundred times less often what ends a run, or a query that waits in a queue.
 * @param onLasting is told of each call that a run can't get over
 */
export function soakFaults(rate: number, seed: string, onLasting: (call: AwsCall) => void): FaultPlan {
  const isQuery = ({ operation }: AwsCall): boolean => operation === 'GetQueryExecution';
  const passing: Kinds = (call) => [
    ...KINDS,
    ...(OF_SERVICE[call.service] ?? []),
    ...(isQuery(call) ? OF_QUERIES : []),
  ];
  const ordinary = awsFaultsAtRate(rate, seed, passing);
  const ofSecrets = awsFaultsAtRate(Math.max(rate, SECRETS_RATE), seed, passing);
  const lasting = seededRandom(`${seed}:lasting`);
  const queued = new Map<string, number>();
  return (call) => {
    const looks = queued.get(call.subject) ?? 0;
    if (isQuery(call) && looks > 0) {
      queued.set(call.subject, looks - 1);
      return { kind: 'otherReply', body: queuedQuery };
    }
    if (call.caller !== 'unknown' && lasting() < rate / PASSING_PER_LASTING) {
      const drawn = lasting();
      if (isQuery(call) && drawn < 0.3) {
        queued.set(call.subject, LOOKS_AT_QUEUE);
        return { kind: 'otherReply', body: queuedQuery };
      }
      onLasting(call);
      return isQuery(call) && drawn < 0.6 ? OF_QUERIES_LASTING : LASTING[Math.floor(drawn * LASTING.length)];
    }
    return call.service === 'secretsmanager' ? ofSecrets(call) : ordinary(call);
  };
}

const putEventsReply = z.object({
  FailedEntryCount: z.int(),
  Entries: z.array(z.record(z.string(), z.unknown())),
});

function refuseFirstEntry(body: string): string {
  const { Entries } = putEventsReply.parse(JSON.parse(body));
  const refused = { ErrorCode: 'InternalFailure', ErrorMessage: 'Injected by the fault plan.' };
  return JSON.stringify({ FailedEntryCount: 1, Entries: [refused, ...Entries.slice(1)] });
}

const executionReply = z.looseObject({
  QueryExecution: z.looseObject({ Status: z.looseObject({ State: z.string() }) }),
});

function otherState(body: string, status: Readonly<Record<string, unknown>>): string {
  const reply = executionReply.parse(JSON.parse(body));
  const { QueryExecution } = reply;
  return JSON.stringify({
    ...reply,
    QueryExecution: { ...QueryExecution, Status: { ...QueryExecution.Status, ...status } },
  });
}

/** Whether the work was done is told by the state that the reply had: a query that runs fails before its end. */
function failedQuery(body: string, reason: string, retryable: boolean): string {
  return otherState(body, {
    State: 'FAILED',
    StateChangeReason: reason,
    AthenaError: { ErrorCategory: 1, ErrorType: 1, Retryable: retryable },
  });
}

/** A fault's `otherReply` of GetQueryExecution: the query waits, whatever became of it. */
export function queuedQuery(body: string): string {
  return otherState(body, { State: 'QUEUED' });
}
