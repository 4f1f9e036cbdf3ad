import * as z from 'zod';
import { addDays, utcSecond } from '../../../lambdas/runtime/time';
import { MAXIMUM_DAYS } from '../../pipeline/backfill/definition';
import { BadArguments } from '../../terminal/arguments';
import { Refusal } from '../../terminal/refusal';
import { command, type Work } from '../command';
import { findDeployment } from '../deployment';
import { execute, NO_WAIT } from '../execution';
import { checkLocations } from '../places';
import { dateOf, locationsOf } from '../values';

/** The request asks for what has not happened yet. */
class NotOver extends Refusal {
  override readonly name = 'NotOver';
}

export const backfill = command({
  name: 'backfill',
  summary: "fetch the provider's history of a range of days and recompute its hours",
  details: `Runs the Backfill state machine over the UTC days from --from to --to, both included. Days that are
stored already are not fetched again unless --force says so; days that the provider cannot serve, or not whole,
are named at the end, and cost the others nothing. Today is left out, since its history is not complete.`,
  operands: [],
  options: {
    from: { type: 'string', placeholder: 'DATE', meaning: 'first UTC day, such as 2026-11-01' },
    to: { type: 'string', placeholder: 'DATE', meaning: 'last UTC day (yesterday)' },
    locations: { type: 'string', placeholder: 'IDS', meaning: 'these places only, with commas between them' },
    force: { type: 'boolean', meaning: 'fetch what is stored already as well' },
    ...NO_WAIT,
  },
  prepare(given) {
    const text = given.value('from');
    if (text === undefined) throw new BadArguments('backfill needs --from, a UTC day such as 2026-11-01.');
    const from = dateOf('from', text);
    const until = given.value('to');
    const to = until === undefined ? undefined : dateOf('to', until);
    if (to !== undefined) checkRange(from, to);
    const locations = locationsOf(given.value('locations'));
    return fill({ from, to, locations, force: given.has('force'), wait: !given.has('no-wait') });
  },
});

interface Order {
  readonly from: string;
  readonly to: string | undefined;
  readonly locations: readonly string[] | undefined;
  readonly force: boolean;
  readonly wait: boolean;
}

const filled = z.object({
  days: z.int(),
  unfinished: z.array(z.object({ date: z.string(), places: z.int() })),
});

/** Of a long list. */
const DAYS_NAMED = 10;

function fill(order: Order): Work {
  return async (surroundings) => {
    const { access } = surroundings;
    const today = utcSecond(access.now()).slice(0, 10);
    const { from, to = addDays(today, -1), locations, force, wait } = order;
    // The last day may be today, which the machine leaves out; the first one must be over.
    if (from >= today) throw new NotOver(`--from ${from} is not over yet: it is ${today} in UTC.`);
    if (to > today) throw new NotOver(`--to ${to} has not come yet: it is ${today} in UTC.`);
    checkRange(from, to);
    const deployment = await findDeployment(access);
    await checkLocations(access, locations);
    const input = { from, to, ...(locations && { locations }), ...(force && { force }) };
    return execute(surroundings, deployment, { machine: 'backfill', input, wait }, (output) => {
      const { days, unfinished } = filled.parse(output);
      const whole = `${days === 1 ? `The day ${from} is` : `All ${days} days from ${from} on are`} filled`;
      const named = unfinished.slice(0, DAYS_NAMED).map(({ date, places }) => `${date} (${places})`);
      const unnamed = unfinished.length - named.length;
      return {
        text:
          unfinished.length === 0
            ? `${whole}.`
            : `${whole} as far as the provider has them. Hours are lacking, at so many places, on ` +
              `${named.join(', ')}${unnamed > 0 ? ` and ${unnamed} more days` : ''}: the same command asks for them again.`,
        data: { from, to, days, unfinished },
      };
    });
  };
}

function checkRange(from: string, to: string): void {
  if (from > to) throw new BadArguments(`--from ${from} lies after --to ${to}.`);
  if (addDays(from, MAXIMUM_DAYS) <= to) {
    throw new BadArguments(
      `One backfill takes ${MAXIMUM_DAYS} days; ${from} to ${to} is longer: give it in parts.`,
    );
  }
}
