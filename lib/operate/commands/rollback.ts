import { type LedgerEntry, readPointer, readPromotions } from '../../../lambdas/model/registry';
import { utcTime } from '../../../lambdas/pages/words';
import { Refusal } from '../../terminal/refusal';
import { command } from '../command';
import { findDeployment } from '../deployment';
import { deployedPlaces, placeOf } from '../places';
import { makeChampion } from '../promotion';
import { reasonOf } from '../values';

/** The ledger has nothing to go back to; the message says what it has. */
class NothingBefore extends Refusal {
  override readonly name = 'NothingBefore';
}

export const rollback = command({
  name: 'rollback',
  summary: "bring back the version that was a place's champion before",
  details: `Goes to the newest version in the ledger of promotions that is another one than the present champion. Done twice,
it comes back to where it began; promote goes to any other version, and history shows them.`,
  operands: ['location'],
  options: {
    reason: { type: 'string', placeholder: 'TEXT', meaning: 'why, for the ledger (rolled back)' },
    'dry-run': { type: 'boolean', meaning: 'only say what would be replaced with what' },
  },
  prepare(given, [location = '']) {
    const reason = reasonOf(given.value('reason')) ?? 'rolled back';
    const dry = given.has('dry-run');
    return async ({ access, progress }) => {
      const { models } = await findDeployment(access);
      placeOf(await deployedPlaces(access), location);
      const pointer = await readPointer(models, location);
      if (pointer.status === 'damaged') {
        throw new NothingBefore(
          `Who is champion of ${location} can't be read (${pointer.reason}): promote a version by its name.`,
        );
      }
      const { from, to } = previousOf(location, await readPromotions(models, location));
      const plan = `${from.version}, champion of ${location} since ${utcTime(from.since)}, is replaced with ${to.version}, champion from ${utcTime(to.since)} on.`;
      if (dry) {
        return {
          text: `${plan} Nothing was changed (--dry-run).`,
          data: { location, version: to.version, previousVersion: from.version, changed: false },
        };
      }
      progress.note(plan);
      return makeChampion(access, { location, version: to.version, reason });
    };
  },
});

/** The present champion, and the newest one before it that is another version. */
function previousOf(
  location: string,
  promotions: readonly LedgerEntry[],
): { readonly from: LedgerEntry; readonly to: LedgerEntry } {
  const from = promotions.at(-1);
  if (from === undefined) {
    throw new NothingBefore(`${location} has no champion yet: there is nothing to go back to.`);
  }
  const to = promotions.findLast(({ version }) => version !== from.version);
  if (to === undefined) {
    throw new NothingBefore(
      `${location} has had no champion but ${from.version}: there is nothing to go back to.`,
    );
  }
  return { from, to };
}
