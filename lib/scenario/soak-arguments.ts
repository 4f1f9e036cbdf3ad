import { BadArguments, readArguments } from '../terminal/arguments';

/** What `npm run soak` was asked to do. */
export interface SoakArguments {
  readonly days: number;
  readonly historyDays: number;
  readonly places: number;
  readonly rate: number;
  readonly seed: string;
  readonly help: boolean;
}

const OPTIONS = {
  days: { type: 'string' },
  'history-days': { type: 'string' },
  places: { type: 'string' },
  rate: { type: 'string' },
  seed: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const SOAK_USAGE = `Lives days of the recording under faults, and audits in numbers what is left. Ends with 1 when
anything is lost, twice or unexplained.

  npm run soak -- [options]

  --days N          days to live (30)
  --history-days N  days of history before, on which models are trained (60)
  --places N        places of the recording (3); one takes half of the time
  --rate SHARE      share of requests, and of the hours' schedules, that go wrong (0.05)
  --seed TEXT       the same seed makes the same faults (1)
  --help            show this

Ctrl-C once: a calm day more, then the audit of what was lived; twice: the end. The lake, the logs and
audit.json lie under .garoa-soak/ afterwards.
`;

/** @throws BadArguments for an unknown option, a missing or a wrong value. */
export function parseSoakArguments(args: readonly string[]): SoakArguments {
  const given = readArguments(args, OPTIONS, SEE_HELP);
  const [extra] = given.positionals;
  if (extra !== undefined) throw new BadArguments(`Unexpected "${extra}".${SEE_HELP}`);
  const rate = Number(given.value('rate') ?? 0.05);
  if (!(rate >= 0 && rate <= 0.5)) {
    throw new BadArguments(`--rate needs a share from 0 to 0.5, not "${given.value('rate')}".${SEE_HELP}`);
  }
  return {
    days: wholeNumber('days', given.value('days') ?? '30'),
    places: wholeNumber('places', given.value('places') ?? '3', 3),
    historyDays: wholeNumber('history-days', given.value('history-days') ?? '60'),
    rate,
    seed: given.value('seed') ?? '1',
    help: given.has('help'),
  };
}

const SEE_HELP = ' See npm run soak -- --help.';

const MOST_DAYS = 300;

function wholeNumber(name: string, text: string, most = MOST_DAYS): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= 1 && number <= most)) {
    throw new BadArguments(`--${name} needs a whole number from 1 to ${most}, not "${text}".${SEE_HELP}`);
  }
  return number;
}
