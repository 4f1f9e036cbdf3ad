import { PLACES_PER_FEATURES_QUERY } from '../../lambdas/hourly/forecast';
import { shardsNeeded } from '../../lambdas/ingest/shards';
import { PLACES_PER_TRAINING_QUERY } from '../../lambdas/retrain/plan';
import type { Deployed } from './deployed';
import type { Figure, Figures, Kind, Measured } from './measured';
import { HOURS_PER_MONTH, PRICES } from './prices';

/** USD a month of one thing. */
export interface Item {
  readonly name: string;
  readonly usd: number;
}

/** Which function carries out a kind of run, and at how many megabytes a whole processor comes with it. */
const FUNCTION_OF: Readonly<Record<Kind, string>> = {
  poll: 'ingest',
  hourly: 'hourly',
  upkeep: 'hourly',
  retrain: 'retrain',
};
const MEGABYTES_PER_PROCESSOR = 1_769;

/**
 * What a call costs in time that the measurement, where everything is next door, does not show: assumed, ms. Calls
 * for each place go several at a time.
 */
const WAITS = {
  s3Writes: 40,
  s3Reads: 25,
  providerCalls: 300,
  statements: 2_000,
} as const;
const PLACES_AT_ONCE = 8;

/** Lambda's own lines about each invocation, and what CloudWatch adds to every line, bytes. */
const LOG_FRAME_BYTES = 450;
/** Athena bills no statement for less. */
const STATEMENT_BYTES = 1e7;
/** The crawler's shortest run, at one DPU. */
const CRAWL_HOURS = 10 / 60;
const WEEKS_PER_MONTH = HOURS_PER_MONTH / 24 / 7;
/** The key is read again after some minutes in each of a few environments. */
const SECRET_CALLS_PER_HOUR = 12;
/** Of a day, how much an hourly run finds on average. */
const MEAN_SHARE_OF_DAY = 0.5;
/** The lake is priced as it is after a year. */
const STORED_MONTHS = 12;

/** A month's bill of the deployed system for so many places, by service. */
export function estimate(deployed: Deployed, measured: Measured, places: number): readonly Item[] {
  const kinds: readonly Kind[] = ['poll', 'hourly', 'upkeep', 'retrain'];
  const runsOf = (kind: Kind): number => {
    const runs = deployed.runs[kind];
    if (runs === undefined) throw new Error(`No schedule starts ${kind}`);
    return runs;
  };
  // A poll is of a shard's places; every place is in one shard, so that places count once a minute however it is cut.
  const minutes = HOURS_PER_MONTH * 60;
  const perMonth = (kind: Kind, figure: Figure): number => {
    const { fixed, perPlace } = measured.runs[kind];
    const placeRuns = kind === 'poll' ? minutes : runsOf(kind);
    return runsOf(kind) * fixed[figure] + placeRuns * places * perPlace[figure];
  };
  const sum = (figure: Figure): number => kinds.reduce((total, kind) => total + perMonth(kind, figure), 0);
  const gigabyteSeconds = (kind: Kind): number => {
    const memory = memoryOf(deployed, kind);
    const { fixed, perPlace } = measured.runs[kind];
    const placeRuns = kind === 'poll' ? minutes : runsOf(kind);
    const seconds =
      runsOf(kind) * secondsOf(fixed, memory, 1) +
      placeRuns * secondsOf(times(perPlace, places), memory, callsAtOnce(kind, places));
    return (seconds * memory) / 1_024;
  };
  const lambda = (...of: readonly Kind[]): number =>
    of.reduce(
      (total, kind) =>
        total +
        gigabyteSeconds(kind) * PRICES.lambdaGigabyteSecond +
        perMonth(kind, 'invocations') * PRICES.lambdaRequest,
      0,
    );
  // Athena opens every raw object of the day so far, and the reads are the owner's to pay.
  const opened = runsOf('hourly') * (runsOf('poll') / (HOURS_PER_MONTH / 24)) * MEAN_SHARE_OF_DAY;
  const logged = sum('logBytes') + sum('invocations') * LOG_FRAME_BYTES;
  const terabytes = (sum('statements') * STATEMENT_BYTES + sum('bytesBeyondMinimum')) / 1e12;
  const stored = (STORED_MONTHS * Math.max(0, sum('storedBytes'))) / 1e9;
  return [
    { name: 'Lambda: polls', usd: lambda('poll') },
    { name: 'Lambda: hourly and upkeep', usd: lambda('hourly', 'upkeep') },
    { name: 'Lambda: retraining', usd: lambda('retrain') },
    {
      name: 'S3: requests',
      usd: sum('s3Writes') * PRICES.s3Write + (sum('s3Reads') + opened) * PRICES.s3Read,
    },
    { name: 'S3: storage after a year', usd: stored * PRICES.s3GigabyteMonth },
    { name: 'Athena', usd: terabytes * PRICES.athenaTerabyte },
    {
      name: 'Glue crawler, weekly',
      usd: deployed.crawlersAWeek * WEEKS_PER_MONTH * CRAWL_HOURS * PRICES.crawlerDpuHour,
    },
    {
      name: 'Secrets Manager',
      usd:
        deployed.secrets * (PRICES.secretMonth + SECRET_CALLS_PER_HOUR * HOURS_PER_MONTH * PRICES.secretCall),
    },
    {
      name: 'Step Functions, Scheduler, EventBridge',
      usd:
        sum('transitions') * PRICES.stateTransition +
        Object.values(deployed.runs).reduce((total, runs) => total + runs, 0) * PRICES.schedulerInvocation +
        sum('events') * PRICES.customEvent,
    },
    {
      name: 'CloudWatch: alarms',
      usd: deployed.alarmMetrics * PRICES.alarmMetricMonth,
    },
    {
      name: 'CloudWatch: metrics and dashboard',
      usd: deployed.customMetrics * PRICES.customMetricMonth + deployed.dashboards * PRICES.dashboardMonth,
    },
    { name: 'CloudWatch: logs', usd: (logged / 1e9) * PRICES.logGigabyte },
  ];
}

/** What is used up by one run, or a day. */
export interface Use {
  readonly requests: number;
  /** As billed: each statement has its minimum. */
  readonly athenaBytes: number;
  readonly statements: number;
  readonly events: number;
  readonly usd: number;
}

/** What one run of a kind uses for so many places; polls of several shards are one run. */
export function useOfRun(deployed: Deployed, measured: Measured, kind: Kind, places: number): Use {
  const memory = memoryOf(deployed, kind);
  const shards = kind === 'poll' ? shardsNeeded(places) : 1;
  const ofRun = times(measured.runs[kind].fixed, shards);
  const fixed = { ...ofRun, statements: ofRun.statements + furtherStatements(kind, places, ofRun) };
  const ofPlaces = times(measured.runs[kind].perPlace, places);
  const sum = (figure: Figure) => fixed[figure] + ofPlaces[figure];
  const seconds = secondsOf(fixed, memory, 1) + secondsOf(ofPlaces, memory, callsAtOnce(kind, places));
  return {
    requests: sum('s3Writes') + sum('s3Reads'),
    athenaBytes: sum('statements') * STATEMENT_BYTES + sum('bytesBeyondMinimum'),
    statements: sum('statements'),
    events: sum('events'),
    usd: usdOfUse(fixed, memory, seconds) + usdOfUse(ofPlaces, memory, 0),
  };
}

/** Statements beyond those of a few places: a query takes so many, and each chunk of a retraining asks all of its own. */
function furtherStatements(kind: Kind, places: number, { statements }: Figures): number {
  switch (kind) {
    case 'hourly':
      return Math.ceil(places / PLACES_PER_FEATURES_QUERY) - 1;
    case 'retrain':
      return statements * (Math.ceil(places / PLACES_PER_TRAINING_QUERY) - 1);
    case 'poll':
    case 'upkeep':
      return 0;
  }
}

/** A day of polls each minute, 24 hourly runs and upkeep. */
export function useOfDay(deployed: Deployed, measured: Measured, places: number): Use {
  const parts = [
    [24 * 60, useOfRun(deployed, measured, 'poll', places)],
    [24, useOfRun(deployed, measured, 'hourly', places)],
    [1, useOfRun(deployed, measured, 'upkeep', places)],
  ] as const;
  const sum = (figure: keyof Use) => parts.reduce((total, [runs, use]) => total + runs * use[figure], 0);
  return {
    requests: sum('requests'),
    athenaBytes: sum('athenaBytes'),
    statements: sum('statements'),
    events: sum('events'),
    usd: sum('usd'),
  };
}

function memoryOf(deployed: Deployed, kind: Kind): number {
  const memory = deployed.memory[FUNCTION_OF[kind]];
  if (memory === undefined) throw new Error(`No function ${FUNCTION_OF[kind]}`);
  return memory;
}

/** Places are retrained in invocations of their own; elsewhere their calls go several at a time. */
function callsAtOnce(kind: Kind, places: number): number {
  return kind === 'retrain' ? 1 : Math.min(places, PLACES_AT_ONCE);
}

/** USD of one run, or of several together: all that is billed by use. `seconds` is what its functions take in all. */
export function usdOfUse(
  figures: Omit<Figures, 'cpuMs' | 'storedBytes'>,
  megabytes: number,
  seconds: number,
): number {
  const { invocations, s3Writes, s3Reads, statements, bytesBeyondMinimum, transitions, events } = figures;
  return (
    ((seconds * megabytes) / 1_024) * PRICES.lambdaGigabyteSecond +
    invocations * PRICES.lambdaRequest +
    s3Writes * PRICES.s3Write +
    s3Reads * PRICES.s3Read +
    ((statements * STATEMENT_BYTES + bytesBeyondMinimum) / 1e12) * PRICES.athenaTerabyte +
    transitions * PRICES.stateTransition +
    events * PRICES.customEvent +
    ((figures.logBytes + invocations * LOG_FRAME_BYTES) / 1e9) * PRICES.logGigabyte
  );
}

/** Seconds that a function with so much memory takes for what it computes and waits for, several calls at a time. */
export function secondsOf(
  figures: Omit<Figures, 'storedBytes'>,
  megabytes: number,
  callsAtOnce: number,
): number {
  const share = Math.min(1, megabytes / MEGABYTES_PER_PROCESSOR);
  return (figures.cpuMs / share + waitMs(figures) / callsAtOnce) / 1_000;
}

function times(figures: Figures, by: number): Figures {
  return {
    invocations: figures.invocations * by,
    cpuMs: figures.cpuMs * by,
    s3Writes: figures.s3Writes * by,
    s3Reads: figures.s3Reads * by,
    providerCalls: figures.providerCalls * by,
    statements: figures.statements * by,
    bytesBeyondMinimum: figures.bytesBeyondMinimum * by,
    events: figures.events * by,
    transitions: figures.transitions * by,
    logBytes: figures.logBytes * by,
    storedBytes: figures.storedBytes * by,
  };
}

function waitMs(figures: Omit<Figures, 'storedBytes'>): number {
  const { s3Writes, s3Reads, providerCalls, statements } = figures;
  return (
    s3Writes * WAITS.s3Writes +
    s3Reads * WAITS.s3Reads +
    providerCalls * WAITS.providerCalls +
    statements * WAITS.statements
  );
}

export function total(items: readonly Item[]): number {
  return items.reduce((sum, { usd }) => sum + usd, 0);
}

/** What people rent for the same work: it is there all month, whether it works or idles. */
export const ELSEWHERE: readonly Item[] = [
  {
    name: 'EC2 t3.medium with Airflow in Docker Compose',
    usd: HOURS_PER_MONTH * (PRICES.ec2T3MediumHour + PRICES.publicAddressHour) + 20 * PRICES.gp3GigabyteMonth,
  },
  { name: 'Managed Airflow, smallest environment', usd: HOURS_PER_MONTH * PRICES.mwaaSmallHour },
];
