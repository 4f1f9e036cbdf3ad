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
