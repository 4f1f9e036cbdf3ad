import { messageOf } from '../runtime/errors';

/** Parts of one run that do not stop each other. */
export interface Parts {
  /** Does one part; when it fails, undefined is its result, and the failure is kept under the part's name. */
  readonly attempt: <T>(part: string, work: () => Promise<T>) => Promise<T | undefined>;
  readonly failures: readonly Error[];
}

export function parts(): Parts {
  const failures: Error[] = [];
  return {
    failures,
    async attempt(part, work) {
      try {
        return await work();
      } catch (error) {
        const reason = messageOf(error);
        failures.push(new Error(`${part} failed: ${reason}`, { cause: error }));
        return undefined;
      }
    },
  };
}
