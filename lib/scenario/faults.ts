import * as z from 'zod';
import { seededRandom } from '../local/random';
import type { AwsCall, Fault, FaultPlan } from '../local/wire/calls';

const KINDS: readonly Fault[] = [
  { kind: 'throttle' },
  { kind: 'serverError' },
  { kind: 'latency', milliseconds: 20 },
  { kind: 'lostReply' },
];

/**
 * A repeatable fault plan: each request to AWS fails with the given probability, in one of the ways that the
 * SDK's own retries are there for. The request after a failed one succeeds.
 */
export function awsFaultsAtRate(rate: number, seed: string): FaultPlan {
  const seen = new Map<string, { count: number; failed: boolean }>();
  return ({ service, operation, caller, subject }: AwsCall) => {
    const key = `${service}:${operation}:${caller}:${subject}`;
    const { count, failed } = seen.get(key) ?? { count: 0, failed: false };
    const random = seededRandom(`${seed}:${key}:${count}`);
    const fault = !failed && random() < rate ? KINDS[Math.floor(random() * KINDS.length)] : undefined;
    seen.set(key, { count: count + 1, failed: fault !== undefined });
    return fault;
  };
}

/** Faults of a soak by service, beside those that every service knows. */
const OF_SERVICE: Readonly<Record<string, readonly Fault[]>> = {
  s3: [{ kind: 'slowBody', milliseconds: 20 }, { kind: 'reset' }],
  athena: [{ kind: 'reset' }],
  secretsmanager: [{ kind: 'reset' }],
  events: [{ kind: 'reset' }, { kind: 'otherReply', body: refuseFirstEntry }],
};
/** How many faults there are for each one that ends the calling function. */
const FAULTS_PER_CRASH = 100;

/**
 * A repeatable fault plan for long runs: `awsFaultsAtRate`, and in the same share of calls what single services do
 * besides; queries that fail although they did their work or did none; functions that die before or after a call.
 */
export function soakFaults(rate: number, seed: string): FaultPlan {
  const ordinary = awsFaultsAtRate(rate, seed);
  const special = seededRandom(`${seed}:special`);
  return (call) => {
    const drawn = special();
    if (drawn < rate / FAULTS_PER_CRASH && call.caller !== 'unknown') {
      return { kind: 'crash', when: special() < 0.5 ? 'before' : 'after' };
    }
    if (call.operation === 'GetQueryExecution' && drawn < rate / 10) {
      return { kind: 'otherReply', body: failQuery };
    }
    const faults = OF_SERVICE[call.service] ?? [];
    if (drawn < rate / 5 && faults.length > 0) return faults[Math.floor(special() * faults.length)];
    return ordinary(call);
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

/** Whether the work was done is told by the state that the reply had: a query that runs fails before its end. */
function failQuery(body: string): string {
  const reply = executionReply.parse(JSON.parse(body));
  const { QueryExecution } = reply;
  const Status = {
    ...QueryExecution.Status,
    State: 'FAILED',
    StateChangeReason: 'GENERIC_INTERNAL_ERROR: Injected by the fault plan.',
    AthenaError: { ErrorCategory: 1, ErrorType: 1, Retryable: true },
  };
  return JSON.stringify({ ...reply, QueryExecution: { ...QueryExecution, Status } });
}
