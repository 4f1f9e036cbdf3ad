import { readPromotions } from '../../../lambdas/model/registry';
import { utcTime } from '../../../lambdas/pages/words';
import { Refusal } from '../../terminal/refusal';
import { formatTable } from '../../terminal/table';
import { command } from '../command';
import { findDeployment } from '../deployment';
import { deployedPlaces, placeOf } from '../places';
import { instantOf } from '../values';

/** The ledger says nothing of that time. */
class NoChampion extends Refusal {
  override readonly name = 'NoChampion';
}

export const history = command({
  name: 'history',
  summary: 'which version was champion of a place when, and why',
  details:
    'Reads the ledger of promotions, newest first; with --at, the one promotion in force at that time.',
  operands: ['location'],
  options: {
    at: { type: 'string', placeholder: 'INSTANT', meaning: 'champion at this instant only' },
  },
  prepare(given, [location = '']) {
    const text = given.value('at');
    const at = text === undefined ? undefined : instantOf('at', text);
    return async ({ access }) => {
      const { models } = await findDeployment(access);
      placeOf(await deployedPlaces(access), location);
      const all = await readPromotions(models, location);
      if (all.length === 0) throw new NoChampion(`${location} has had no champion yet.`);
      const shown =
        at === undefined ? all : all.filter(({ since }) => Date.parse(since) <= Date.parse(at)).slice(-1);
      if (shown.length === 0) {
        const [first] = all;
        throw new NoChampion(
          `${location} had no champion at ${utcTime(at ?? '')}: the first came at ${utcTime(first?.since ?? '')}.`,
        );
      }
      const newestFirst = [...shown].reverse();
      const rows = newestFirst.map(({ version, since, outcome }) => [version, utcTime(since), outcome]);
      return {
        text: [
          formatTable(['version', 'champion since', 'outcome'], rows),
          '',
          ...newestFirst.map(({ version, reason }) => `${version}: ${reason}`),
        ].join('\n'),
        data: { location, promotions: newestFirst },
      };
    };
  },
});
