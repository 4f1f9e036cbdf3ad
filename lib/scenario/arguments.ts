import { isProviderName, PROVIDERS, type ProviderName } from '../../lambdas/weather/providers';
import { COLUMN_MEANINGS } from '../recorded-weather/observation-file/columns';
import { CURRENT_RAIN, type CurrentRain } from '../recorded-weather/weather-api/manners';
import { BadArguments, readArguments } from '../terminal/arguments';

/** What `npm start` was asked to do. */
export interface RunArguments {
  /** Recording to replay instead of the one that comes with the project. */
  readonly observations?: string;
  /** What its columns are, where they have other names. */
  readonly columns?: string;
  readonly backfillDays?: number;
  readonly liveHours: number;
  readonly retrainAtEnd: boolean;
  readonly keep: boolean;
  /** Share of requests that fail; 0 for none. */
  readonly faults: number;
  /** Whose manners the weather API has. */
  readonly provider: ProviderName;
  /** What the current precipitation of the weather API speaks of. */
  readonly currentRain: CurrentRain;
  readonly open: boolean;
  readonly help: boolean;
}

const OPTIONS = {
  observations: { type: 'string' },
  columns: { type: 'string' },
  'backfill-days': { type: 'string' },
  'live-hours': { type: 'string' },
  'retrain-at-end': { type: 'boolean' },
  keep: { type: 'boolean' },
  faults: { type: 'string' },
  provider: { type: 'string' },
  'current-rain': { type: 'string' },
  open: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const DEFAULT_LIVE_HOURS = 48;

export const USAGE = `Runs the whole pipeline on this machine, from what \`cdk deploy\` would ship: a history is
backfilled, models are trained, then two days are lived minute by minute under a virtual clock.

  npm start -- [options]

  --observations FILE    replay FILE.csv or FILE.csv.gz instead of the New York airports of 2013
  --columns LIST         where its columns have other names or none: 'temp_c=TEMP,observed_at=DATE+HOUR+Z'
                         takes names of the file, or positions from 1 on; + joins the parts of a time,
                         Z or an offset such as -03:00 is its zone
  --provider NAME        who answers for the weather: weatherapi (default) or open-meteo, as each of them does
  --backfill-days N      days of history before the live part (all that the live part leaves)
  --live-hours N         hours to live minute by minute (${DEFAULT_LIVE_HOURS})
  --retrain-at-end       retrain once more after the live part
  --faults RATE          let this share of the requests to the weather API and to AWS fail, such as 0.05
  --current-rain READING what the weather API's current precipitation speaks of: running-hour (default),
                         trailing-hour, previous-hour or growing
  --keep                 go on with the .garoa folder of an earlier run instead of replacing it
  --open                 open the pages in a browser at the end
  --help                 show this

Columns of FILE; all but observed_at may lack. Cells are parted by commas, semicolons, tabs or vertical bars;
an empty one is an absent value. FILE.json beside it may name the places and say "stateAt": "start".

${COLUMN_MEANINGS.map(([name, meaning]) => `  ${name.padEnd(25)}${meaning}`).join('\n')}

Everything lies under .garoa/ afterwards: objects (s3/), logs (logs/) and summary.json.
`;

/**
 * Reads the command line of `npm start`.
 * @throws BadArguments for an unknown option, a missing or a wrong value.
 */
export function parseArguments(args: readonly string[]): RunArguments {
  const given = readArguments(args, OPTIONS, SEE_HELP);
  const [extra] = given.positionals;
  if (extra !== undefined) throw new BadArguments(`Unexpected "${extra}".${SEE_HELP}`);
  const observations = given.value('observations');
  const backfillDays = wholeNumber('backfill-days', given.value('backfill-days'), 1, 36_500);
  const columns = given.value('columns');
  if (columns !== undefined && observations === undefined) {
    throw new BadArguments(`--columns goes with --observations.${SEE_HELP}`);
  }
  return {
    ...(observations === undefined ? {} : { observations }),
    ...(columns === undefined ? {} : { columns }),
    ...(backfillDays === undefined ? {} : { backfillDays }),
    liveHours: wholeNumber('live-hours', given.value('live-hours'), 0, 8_784) ?? DEFAULT_LIVE_HOURS,
    retrainAtEnd: given.has('retrain-at-end'),
    keep: given.has('keep'),
    faults: share('faults', given.value('faults')) ?? 0,
    provider: choice('provider', given.value('provider'), PROVIDER_NAMES) ?? 'weatherapi',
    currentRain: choice('current-rain', given.value('current-rain'), CURRENT_RAIN) ?? 'running-hour',
    open: given.has('open'),
    help: given.has('help'),
  };
}

const PROVIDER_NAMES = Object.keys(PROVIDERS).filter(isProviderName);
const SEE_HELP = ' See npm start -- --help.';

function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new BadArguments(
      `--${name} needs a whole number from ${least} to ${most}, not "${text}".${SEE_HELP}`,
    );
  }
  return value;
}

function choice<T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const chosen = choices.find((one) => one === text);
  if (chosen === undefined) {
    throw new BadArguments(`--${name} is one of ${choices.join(', ')}, not "${text}".${SEE_HELP}`);
  }
  return chosen;
}

function share(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= 0 && value <= 0.5)) {
    throw new BadArguments(`--${name} needs a share from 0 to 0.5, not "${text}".${SEE_HELP}`);
  }
  return value;
}
