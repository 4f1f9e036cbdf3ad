import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { utcTime } from '../../lambdas/pages/words';
import type { Access } from './access';
import type { Answer } from './command';
import { invoke } from './deployment';

/** What the retrain function answers: the entry that the ledger keeps. */
const entry = z.object({
  location: z.string(),
  version: z.string(),
  since: z.string(),
  reason: z.string(),
  previousVersion: z.string().nullable(),
});

/** Has the retrain function make a version champion, and says what it replaced. */
export async function makeChampion(
  access: Access,
  order: { readonly location: string; readonly version: string; readonly reason: string | undefined },
): Promise<Answer> {
  const { location, version, reason } = order;
  const answer = await invoke(access, 'retrain', {
    step: 'promote',
    location,
    version,
    // The request may be sent again when its reply is lost.
    order: randomUUID(),
    ...(access.isVirtual && { at: access.now().toISOString() }),
    ...(reason !== undefined && { reason }),
  });
  const made = entry.parse(answer);
  const replaced = made.previousVersion === null ? '' : `, in place of ${made.previousVersion}`;
  return {
    text: `${made.version} is the champion of ${made.location} from ${utcTime(made.since)} on${replaced}.`,
    data: { ...made, changed: true },
  };
}
