import { type Bucket, listObjects } from '../../../lambdas/lake/s3';
import { readPointer } from '../../../lambdas/model/registry';
import { closest } from '../../terminal/closest';
import { Refusal } from '../../terminal/refusal';
import { type Answer, command } from '../command';
import { findDeployment } from '../deployment';
import { deployedPlaces, placeOf } from '../places';
import { makeChampion } from '../promotion';
import { reasonOf } from '../values';

/** No model of that version is stored for the place. */
class UnknownVersion extends Refusal {
  override readonly name = 'UnknownVersion';
}

/** Newest versions that a refusal names. */
const NAMED = 5;

export const promote = command({
  name: 'promote',
  summary: "make a stored version a place's champion",
  details: `The version forecasts from the next hour on, and the ledger keeps the promotion with its reason. A version
that the deployed code cannot use is refused, and nothing is changed.`,
  operands: ['location', 'version'],
  options: { reason: { type: 'string', placeholder: 'TEXT', meaning: 'why, for the ledger (ordered)' } },
  prepare(given, [location = '', version = '']) {
    const reason = reasonOf(given.value('reason'));
    return async ({ access }) => {
      const { models } = await findDeployment(access);
      placeOf(await deployedPlaces(access), location);
      await checkVersion(models, location, version);
      const pointer = await readPointer(models, location);
      if (pointer.status === 'valid' && pointer.entry.version === version) {
        return unchanged(location, pointer.entry);
      }
      return makeChampion(access, { location, version, reason });
    };
  },
});

/** @throws UnknownVersion naming those that there are. */
async function checkVersion(models: Bucket, location: string, version: string): Promise<void> {
  const suffix = '/model.json';
  const versions = (await listObjects(models, `${location}/`))
    .filter(({ key }) => key.endsWith(suffix))
    .map(({ key }) => key.slice(location.length + 1, -suffix.length));
  if (versions.includes(version)) return;
  if (versions.length === 0) throw new UnknownVersion(`${location} has no model yet: retrain makes one.`);
  const near = closest(version, versions);
  const advice = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new UnknownVersion(
    `${location} has no version "${version}".${advice} The newest are ${versions.slice(-NAMED).reverse().join(', ')}.`,
  );
}

function unchanged(location: string, { version, since }: { version: string; since: string }): Answer {
  return {
    text: `${version} is the champion of ${location} already, since ${since}; nothing was changed.`,
    data: { location, version, since, changed: false },
  };
}
