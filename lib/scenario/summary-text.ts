import { join } from 'node:path';
import { formatTable } from '../terminal/table';
import type { LiveScore, Summary } from './summary';

type Entry = Summary['retrain'][number];
type Measures = NonNullable<Entry['test']>;

/** What the run found out, as text for a terminal; paths are relative to the folder of the project. */
export function formatSummary(
  summary: Summary,
  live: ReadonlyMap<string, LiveScore>,
  paths: { readonly directory: string; readonly models: string; readonly lake: string },
): string {
  const { ingest, hourly, forecasts, seconds } = summary;
  return [
    `Each location's newest recipe, fitted on older hours, on the newest ones, and others on the same hours:`,
    testTable(summary),
    ...keptReasons(summary),
    '',
    'Brier score gained on persistence in that test, with its 90% interval over weekly blocks, and what the recipe is beside each baseline on the hours that decided:',
    gainTable(summary),
    '',
    'Live forecasts against what came:',
    liveTable(summary, live),
    '',
    `Observations  ${ingest.observationsServed} delivered, ${ingest.observationsStored} stored by ${ingest.invocations} runs (${ingest.failures} failed)`,
    `Hours         ${hourly.rows} rows in ${hourly.days} days, ${hourly.missingHours} not observed, ${hourly.settled} settled`,
    `Known/true    ${agreementText(summary)}`,
    `Forecasts     ${forecasts.made} made, ${forecasts.verified} verified, ${forecasts.verifiedSettled} of them on settled truth; Brier ${decimal(forecasts.brier)}, persistence ${decimal(forecasts.persistenceBrier)}`,
    `Time          ${seconds.total.toFixed(0)} s: synth ${seconds.synth.toFixed(0)}, backfill ${seconds.backfill.toFixed(0)}, training ${seconds.retrain.toFixed(0)}, live ${seconds.live.toFixed(0)}`,
    '',
    'What to open next:',
    `  ${join(paths.models, 'index.html')}  the pages: forecasts, and how good each model is`,
    `  ${join(paths.directory, 'summary.json')}  all figures of this run`,
    '  npm run garoa -- status --local  the system that is left behind; help tells what else it can be asked',
    `The lake lies in ${paths.lake}.`,
  ].join('\n');
}

/** How the rain that was known when an hour closed compares with what settled history says. */
function agreementText({ agreement }: Summary): string {
  const { bothWet, onlyKnownWet, onlyTrueWet, bothDry } = agreement;
  const hours = bothWet + onlyKnownWet + onlyTrueWet + bothDry;
  if (hours === 0) return 'no hour has been polled and settled yet, so that their agreement is not known';
  const share = ((100 * (bothWet + bothDry)) / hours).toFixed(1);
  return `${hours} hours polled and settled, alike in ${share}%: ${bothWet} wet in both, ${onlyKnownWet} only in polls, ${onlyTrueWet} only in history`;
}

/** The last entry of each location. */
function newestOf({ retrain }: Summary): Entry[] {
  return [...new Map(retrain.map((entry) => [entry.location, entry])).values()];
}

/** A column for each baseline, since the words of one are as long as a line of figures. */
function gainTable(summary: Summary): string {
  const entries = newestOf(summary);
  // Without recorded forecasts there is nothing to say of the provider's.
  const baselines = Object.entries(BASELINES).filter(
    ([baseline]) => baseline !== 'provider' || entries.some(({ verdicts }) => baseline in verdicts),
  );
  const rows = entries.map(({ location, overPersistence, verdicts }) => [
    location,
    decimal(overPersistence?.improvement ?? null),
    overPersistence === null ? '' : `${decimal(overPersistence.lower)} to ${decimal(overPersistence.upper)}`,
    ...baselines.map(([baseline]) => verdicts[baseline] ?? ''),
  ]);
  return formatTable(['location', 'gain', 'interval', ...baselines.map(([, name]) => name)], rows);
}

const BASELINES: Readonly<Record<string, string>> = {
  persistence: 'persistence',
  climatology: 'climatology',
  logisticRegression: 'logistic regression',
  plainSvc: 'plain SVC',
  provider: 'provider recalibrated',
};

function testTable(summary: Summary): string {
  const row = (name: string, who: string, measures: Partial<Measures> & { brier: number }): string[] => [
    name,
    who,
    decimal(measures.brier),
    decimal(measures.averagePrecision),
    decimal(measures.onsetAveragePrecision),
    decimal(measures.f1),
    measures.confusion === undefined ? '' : measures.confusion.flat().join(' / '),
  ];
  const rows = newestOf(summary).flatMap((entry): string[][] => {
    const { location, outcome, test, persistence, climatology, logisticRegression, plainSvc, provider } =
      entry;
    if (test === null) return [[location, outcome]];
    return [
      row(location, outcome, test),
      ...(persistence === null ? [] : [row('', 'persistence', persistence)]),
      ...(climatology === null ? [] : [row('', 'climatology', climatology)]),
      ...(logisticRegression === null ? [] : [row('', 'logistic regression', logisticRegression)]),
      ...(plainSvc === null ? [] : [row('', 'plain SVC', plainSvc)]),
      ...(provider === null ? [] : [row('', `provider, ${provider.hours} h`, provider)]),
    ];
  });
  return formatTable(['location', '', 'Brier', 'AP', 'onset AP', 'F1', 'tn / fp / fn / tp'], rows);
}

/** Why a location has no new model. */
function keptReasons({ retrain }: Summary): string[] {
  return retrain
    .filter(({ outcome }) => outcome === 'kept' || outcome === 'failed')
    .map(({ execution, location, outcome, reason }) => `${execution}: ${location} ${outcome}: ${reason}`);
}

function liveTable({ scenario }: Summary, live: ReadonlyMap<string, LiveScore>): string {
  const rows = scenario.locations.map((location) => {
    const score = live.get(location);
    const mean = (sum: number, count: number): string => decimal(count === 0 ? null : sum / count);
    return score === undefined
      ? [location, '0', '0', '', '']
      : [
          location,
          String(score.made),
          String(score.verified),
          mean(score.squaredError, score.verified),
          mean(score.persistenceSquaredError, score.compared),
        ];
  });
  return formatTable(['location', 'made', 'verified', 'Brier', 'persistence'], rows);
}

function decimal(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(4);
}
