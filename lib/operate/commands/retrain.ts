import { type RunSummary, runSummarySchema } from '../../../lambdas/model/metrics-file';
import { Refusal } from '../../terminal/refusal';
import { formatTable } from '../../terminal/table';
import { command, type Work } from '../command';
import { findDeployment } from '../deployment';
import { execute, NO_WAIT } from '../execution';
import { checkLocations } from '../places';
import { instantOf, locationsOf, reasonOf } from '../values';

/** Training as of an instant that has not come. */
class NotYet extends Refusal {
  override readonly name = 'NotYet';
}

export const retrain = command({
  name: 'retrain',
  summary: 'make and test a new model for each place, and promote what earns it',
  details: `Runs the retraining state machine, as the weekly schedule does. A place whose challenger does not win keeps its
champion, or gets the champion's recipe fitted on the newest data.`,
  operands: [],
  options: {
    locations: { type: 'string', placeholder: 'IDS', meaning: 'these places only, with commas between them' },
    reason: { type: 'string', placeholder: 'TEXT', meaning: 'why, for the evaluations that are kept' },
    'as-of': {
      type: 'string',
      placeholder: 'INSTANT',
      meaning: 'train as if it were then, such as 2026-11-01T00:00:00Z (now)',
    },
    ...NO_WAIT,
  },
  prepare(given) {
    const asOf = given.value('as-of');
    return train({
      locations: locationsOf(given.value('locations')),
      reason: reasonOf(given.value('reason')),
      asOf: asOf === undefined ? undefined : instantOf('as-of', asOf),
      wait: !given.has('no-wait'),
    });
  },
});

interface Order {
  readonly locations: readonly string[] | undefined;
  readonly reason: string | undefined;
  readonly asOf: string | undefined;
  readonly wait: boolean;
}

function train({ locations, reason, asOf, wait }: Order): Work {
  return async (surroundings) => {
    const { access } = surroundings;
    const now = access.now().toISOString();
    if (asOf !== undefined && asOf > now) {
      throw new NotYet(`--as-of ${asOf} has not come yet: it is ${now}.`);
    }
    const deployment = await findDeployment(access);
    await checkLocations(access, locations);
    const input = { ...(locations && { locations }), ...(reason && { reason }), ...(asOf && { asOf }) };
    return execute(surroundings, deployment, { machine: 'retrain', input, wait }, (output) => {
      const summary = runSummarySchema.parse(output);
      return { text: formatSummary(summary), data: { summary } };
    });
  };
}

function formatSummary(summary: RunSummary): string {
  const { results } = summary;
  const counts = (['promoted', 'refreshed', 'kept', 'failed'] as const)
    .filter((outcome) => summary[outcome] > 0)
    .map((outcome) => `${summary[outcome]} ${outcome}`);
  const brier = (of: { readonly brier: number } | null): string => of?.brier.toFixed(4) ?? '–';
  const rows = results.map(({ location, outcome, version, test, persistence }) => [
    location,
    outcome,
    version ?? '–',
    brier(test),
    brier(persistence),
  ]);
  return [
    `As of ${summary.asOf}: ${counts.join(', ')}.`,
    ...(results.length === 0
      ? [`What came of each place is in ${summary.summaryKey} of the query-results bucket.`]
      : [
          '',
          formatTable(['location', 'outcome', 'champion from now on', 'Brier', 'persistence'], rows),
          '',
          ...results.map(({ location, reason }) => `${location}: ${reason}`),
        ]),
  ].join('\n');
}
