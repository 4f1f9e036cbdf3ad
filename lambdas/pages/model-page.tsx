import type { ModelMetrics } from '../model/metrics-file';
import type { Recipe } from '../model/recipe';
import type { LedgerEntry } from '../model/registry';
import { HOUR_MS } from '../runtime/time';
import type { Location } from '../weather/location';
import {
  precisionRecallChart,
  probabilityTimeline,
  rainTimeline,
  reliabilityChart,
  scoreChart,
  skillChart,
  type TimelineHour,
} from './charts';
import { Figure, renderPage, Table } from './page';
import {
  precisionRecallCurve,
  type SkillGroup,
  scoreBins,
  skillByHourOfDay,
  skillByMonth,
  type TestForecast,
} from './test-curves';
import { age, count, decimal, localTime, MISSING, percent, utcTime } from './words';

/** Everything the page of one version shows; each part names the stored file it comes from. */
export interface ModelPageContent {
  readonly location: Location;
  readonly generatedAt: string;
  /** `metrics.json` of the version. */
  readonly metrics: ModelMetrics;
  /** `test-forecasts.parquet` of the version. */
  readonly testForecasts: readonly TestForecast[];
  /** The location's ledger, oldest first. */
  readonly ledger: readonly LedgerEntry[];
  /** The last days of the lake, one entry for each hour, forecasts of whichever champion made them. */
  readonly recent: readonly TimelineHour[];
  /** Decision threshold of the model at work; the test part was judged at one of its own. */
  readonly threshold: number;
}

/** The report page of one model version; called by `refreshPages`. */
export function modelPage(content: ModelPageContent): string {
  const { location, metrics, generatedAt } = content;
  return renderPage(
    `${location.name}: rain model ${metrics.version}`,
    <>
      <header>
        <p>
          <a href="../../index.html">All places</a>
        </p>
        <h1>{location.name}</h1>
        <p class="muted">
          Model {metrics.version}, {roleInWords(content)} · page made{' '}
          {localTime(generatedAt, location.timezone)} ({utcTime(generatedAt)})
        </p>
        <nav aria-label="On this page">
          <ul>
            {SECTIONS.map(({ id, title }) => (
              <li key={id}>
                <a href={`#${id}`}>{title}</a>
              </li>
            ))}
          </ul>
        </nav>
      </header>
      <main>
        {SECTIONS.map(({ id, title, Part }) => (
          <section key={id} id={id}>
            <h2>{title}</h2>
            <Part {...content} />
          </section>
        ))}
        <footer class="muted">
          <p>
            Sources: <code>metrics.json</code>, <code>model.json</code> (the threshold) and{' '}
            <code>test-forecasts.parquet</code> beside this page, the ledger in{' '}
            <code>{location.id}/ledger/</code>, and the tables <code>forecasts</code> and{' '}
            <code>hourly_observations</code>.
          </p>
        </footer>
      </main>
    </>,
  );
}

const SECTIONS = [
  { id: 'last-days', title: 'The last days', Part: Recent },
  { id: 'test', title: 'On hours it had not seen', Part: TestPart },
  { id: 'skill', title: 'Skill against persistence', Part: Skill },
  { id: 'champions', title: 'Champions', Part: History },
  { id: 'search', title: 'Recipe and search', Part: Search },
] as const;

/** What the ledger says of the version: the pages of models that were succeeded stay. */
function roleInWords({ ledger, metrics: { version }, location, generatedAt }: ModelPageContent): string {
  const last = ledger.findLastIndex((entry) => entry.version === version);
  const since = ledger[last]?.since;
  if (since === undefined) return 'which has never been champion';
  const next = ledger[last + 1];
  return next === undefined
    ? `champion for ${age(since, generatedAt)}`
    : `champion until ${localTime(next.since, location.timezone)}, then succeeded by ${next.version}`;
}

function Recent({ location, recent, threshold }: ModelPageContent) {
  const issued = recent.filter(({ probability }) => probability !== null);
  const judged = issued.filter(({ rained }) => rained !== null);
  const wet = recent.filter(({ rained }) => rained === true);
  const misses = judged.filter(({ rained, willRain }) => rained === true && willRain === false);
  const falseAlarms = judged.filter(({ rained, willRain }) => rained === false && willRain === true);
  const gaps = recent.filter(({ precipMm }) => precipMm === null);
  const days = Math.round(recent.length / 24);
  const summary =
    issued.length === 0
      ? `No forecast was issued in the last ${count(days, 'day')}; ${count(wet.length, 'rain hour')} came.`
      : `Last ${count(days, 'day')}: ${count(issued.length, 'forecast')} of whichever model was champion, ` +
        `${judged.length} of them verified. ${count(wet.length, 'rain hour')} came; ` +
        `${count(misses.length, 'miss', 'misses')} (triangles), ${count(falseAlarms.length, 'false alarm')} (crosses).`;
  const highest = recent.reduce((most, { precipMm }) => Math.max(most, precipMm ?? 0), 0);
  return (
    <>
      {recent.length === 0 ? (
        <p>No hour of the last days is in the lake yet.</p>
      ) : (
        <Figure
          title="Forecasts against what happened"
          summary={summary}
          charts={[
            probabilityTimeline(recent, threshold, summary),
            rainTimeline(
              recent,
              `Rain of each hour: ${count(wet.length, 'rain hour')}, at most ${decimal(highest, 1)} mm; ` +
                `${count(gaps.length, 'hour')} not known.`,
            ),
          ]}
          wide
          legend={[
            { sign: 'line', color: '--forecast', text: 'forecast probability' },
            { sign: 'dashes', color: '--muted', text: `threshold of this model, ${percent(threshold, 1)}` },
            { sign: 'area', color: '--rain-pale', text: 'it rained in the hour' },
            { sign: '▲', color: '--miss', text: 'miss: it rained against the forecast' },
            { sign: '✕', color: '--false-alarm', text: 'false alarm: it stayed dry against the forecast' },
            { sign: 'area', color: '--rain', text: 'rain in mm' },
            { sign: 'area', color: '--gap', text: 'not observed' },
          ]}
          table={{
            caption: `Hours with a forecast, with rain or without an observation (${location.timezone}); all others were dry`,
            head: ['Hour', 'Probability', 'Forecast', 'Came', 'mm'],
            rows: recent
              .filter(({ rained, probability }) => rained !== false || probability !== null)
              .map((hour) => [
                localTime(hour.hour, location.timezone),
                hour.probability === null ? 'no forecast' : percent(hour.probability, 1),
                hour.willRain === null ? '' : yesNo(hour.willRain),
                hour.rained === null ? MISSING : yesNo(hour.rained),
                decimal(hour.precipMm, 1),
              ]),
          }}
        />
      )}
      <h3 class="spaced">Data gaps</h3>
      <p>
        {gaps.length === 0
          ? 'None: every hour shown has an observation of rain.'
          : `${count(gaps.length, 'hour')} without an observation of rain: ${gapRanges(gaps, location.timezone)}.`}
      </p>
    </>
  );
}

function TestPart({ metrics, testForecasts, threshold }: ModelPageContent) {
  const { test, overPersistence } = metrics;
  const [[tn, fp], [fn, tp]] = test.confusion;
  const curve = precisionRecallCurve(testForecasts);
  const bins = scoreBins(testForecasts);
  const filled = test.reliability.flatMap(({ forecast, observed, hours }) =>
    forecast === null || observed === null ? [] : [{ forecast, observed, hours }],
  );
  const compared = comparedWith(metrics);
  const baseRate = test.rainHours / test.hours;
  const cut = percent(test.threshold, 1);
  const prText =
    `Average precision ${decimal(test.averagePrecision)}; always forecasting rain would have ` +
    `${percent(baseRate, 1)} (dashed). The dot is the chosen threshold, a probability of ${cut}: ` +
    `precision ${percent(test.precision)}, recall ${percent(test.recall)}.`;
  const reliabilityText =
    'Dots on the dashed line are honest probabilities: of the hours given 30%, 30% were wet. Numbers count the hours.';
  const reliabilityNumbers = filled
    .map(
      ({ forecast, observed, hours }) =>
        `${percent(forecast)} forecast, ${percent(observed)} wet (${count(hours, 'hour')})`,
    )
    .join('; ');
  const scoreText =
    `At ${cut} (dashed) and above the forecast says rain: ` +
    `${count(fp + tp, 'hour')} of ${count(test.hours, 'hour')}, ${tp} of them wet; below it ${count(tn + fn, 'hour')}, ${fn} of them wet.`;
  return (
    <>
      <p>
        The recipe was tested on {count(test.hours, 'hour')} ({count(test.rainHours, 'rain hour')}),{' '}
        {utcTime(test.from)} to {utcTime(test.to)}, by a model fitted on older hours only.{' '}
        {metrics.reasons.join(' ')}
      </p>
      <Table
        caption="Measures on the test part; Brier score and log loss: lower is better"
        head={['Measure', ...compared.map(({ who }) => who)]}
        rows={MEASURES.map(({ label, of, digits }) => [
          label,
          ...compared.map(({ evaluation }) => decimal(of(evaluation), digits)),
        ])}
      />
      <p>
        Gain in Brier score over persistence: {gainInWords(overPersistence)}.
        {metrics.champion !== null &&
          !metrics.champion.sameRecipe &&
          ` Gain of the search's best recipe over the champion's: ${gainInWords(metrics.champion.challengerImprovement)}.`}{' '}
        The model at work was then fitted on all hours, these included, and forecasts rain from{' '}
        {percent(threshold, 1)} on.
      </p>
      <div class="grid">
        <figure>
          <h3>Confusion matrix</h3>
          <table class="matrix">
            <caption>Yes/no forecasts at a probability of {cut}</caption>
            <thead>
              <tr>
                <th scope="col">Hours</th>
                <th scope="col">Forecast: no rain</th>
                <th scope="col">Forecast: rain</th>
              </tr>
            </thead>
            <tbody>
              <tr>
                <th scope="row">It stayed dry</th>
                <Cell tint="--good" hours={tn} what="correct" />
                <Cell tint="--false-alarm" hours={fp} what="false alarms" />
              </tr>
              <tr>
                <th scope="row">It rained</th>
                <Cell tint="--miss" hours={fn} what="misses" />
                <Cell tint="--good" hours={tp} what="hits" />
              </tr>
            </tbody>
          </table>
          <figcaption>
            Accuracy {percent(test.accuracy, 1)}; “always dry” would have {percent(1 - baseRate, 1)}, which is
            why accuracy decides nothing here.
          </figcaption>
        </figure>
        {curve.length === 0 ? (
          <figure>
            <h3>Precision and recall</h3>
            <p>No curve: the test part holds no rain hour.</p>
          </figure>
        ) : (
          <Figure
            title="Precision and recall"
            summary={prText}
            charts={[
              precisionRecallChart(
                curve,
                { recall: test.recall, precision: test.precision },
                baseRate,
                prText,
              ),
            ]}
            table={{
              caption: 'Points of the curve',
              head: ['Recall', 'Precision'],
              rows: curve.map(({ recall, precision }) => [percent(recall, 1), percent(precision, 1)]),
            }}
          />
        )}
        <Figure
          title="Reliability"
          summary={reliabilityText}
          charts={[reliabilityChart(filled, `Reliability: ${reliabilityNumbers}.`)]}
          table={{
            caption: 'Hours by forecast probability',
            head: ['Probability', 'Hours', 'Mean forecast', 'Observed'],
            rows: test.reliability.map((bin) => [
              `${percent(bin.from)} to ${percent(bin.to)}`,
              bin.hours,
              bin.hours === 0 ? 'no hours' : percent(bin.forecast, 1),
              bin.hours === 0 ? 'no hours' : percent(bin.observed, 1),
            ]),
          }}
        />
        <Figure
          title="Score distribution"
          summary={scoreText}
          charts={[scoreChart(bins, test.threshold, scoreText)]}
          legend={[
            { sign: 'area', color: '--dry', text: 'dry hours' },
            { sign: 'area', color: '--rain', text: 'wet hours' },
            { sign: 'dashes', color: '--forecast', text: 'threshold' },
          ]}
          table={{
            caption: 'Hours by forecast probability and outcome',
            head: ['Probability', 'Dry', 'Wet'],
            rows: bins.map(({ from, to, dry, wet }) => [`${percent(from)} to ${percent(to)}`, dry, wet]),
          }}
        />
      </div>
    </>
  );
}

interface CellProps {
  readonly tint: `--${string}`;
  readonly hours: number;
  readonly what: string;
}

function Cell({ tint, hours, what }: CellProps) {
  return (
    <td style={{ '--tint': `var(${tint})` }}>
      <strong>{hours.toLocaleString('en')}</strong> {what}
    </td>
  );
}

/** Everyone who was measured on the same hours; the other side of the gate only when it is another recipe. */
function comparedWith({
  test,
  winner,
  challenger,
  champion,
  persistence,
  climatology,
  logisticRegression,
}: ModelMetrics): { who: string; evaluation: Measured }[] {
  const other =
    champion === null || champion.sameRecipe
      ? []
      : winner === 'challenger'
        ? [{ who: "Champion's recipe", evaluation: champion.evaluation }]
        : [{ who: "Search's best recipe", evaluation: challenger.evaluation }];
  return [
    { who: 'This recipe', evaluation: test },
    ...other,
    { who: 'Persistence', evaluation: persistence },
    { who: 'Climatology', evaluation: climatology },
    { who: 'Logistic regression', evaluation: logisticRegression },
  ];
}

function gainInWords({ improvement, lower, upper }: ModelMetrics['overPersistence']): string {
  return `${decimal(improvement, 4)}, 95% interval ${decimal(lower, 4)} to ${decimal(upper, 4)} (weekly blocks)`;
}

function Skill({ location, testForecasts }: ModelPageContent) {
  return (
    <>
      <p>
        100% would be a perfect forecast, 0% is as good as “it goes on as it is”, below 0% is worse; bars end
        at -100%. Hours of the test part, by the hour from which the forecast was made.
      </p>
      <div class="grid">
        <SkillFigure title="By month" groups={skillByMonth(testForecasts)} />
        <SkillFigure
          title={`By hour of the day (${location.timezone})`}
          groups={skillByHourOfDay(testForecasts, location.timezone)}
        />
      </div>
    </>
  );
}

function SkillFigure({ title, groups }: { readonly title: string; readonly groups: readonly SkillGroup[] }) {
  const judged = groups.filter(({ skill }) => skill !== null);
  const better = judged.filter(({ skill }) => skill !== null && skill > 0);
  const summary =
    judged.length === 0
      ? 'Too few hours or no rain: nothing can be said.'
      : `Better than persistence in ${better.length} of ${judged.length} groups; groups without rain or of few hours are left out.`;
  const told = judged.map(({ label, skill }) => `${label}: ${percent(skill)}`).join(', ');
  return (
    <Figure
      title={title}
      summary={summary}
      charts={judged.length === 0 ? [] : [skillChart(groups, `${summary} ${told}.`)]}
      table={{
        caption: 'Brier scores by group',
        head: ['Group', 'Hours', 'Rain hours', 'Forecast', 'Persistence', 'Skill'],
        rows: groups.map((group) => [
          group.label,
          group.hours,
          group.rainHours,
          decimal(group.brier, 4),
          decimal(group.persistenceBrier, 4),
          percent(group.skill),
        ]),
      }}
    />
  );
}

function History({ location, ledger, generatedAt }: ModelPageContent) {
  return ledger.length === 0 ? (
    <p>No model of this place has become champion yet.</p>
  ) : (
    <Table
      caption="Who forecast from when on, and why; newest first"
      words
      head={['Since', 'Version', 'Outcome', 'Reason']}
      rows={[...ledger].reverse().map(({ since, version, outcome, reason }) => [
        `${localTime(since, location.timezone)} (${age(since, generatedAt)} ago)`,
        <a key={version} href={`../${version}/report.html`}>
          {version}
        </a>,
        outcome,
        reason,
      ])}
    />
  );
}

function Search({ metrics }: ModelPageContent) {
  const { trainingSet, recipe, challenger, candidates, embargoHours } = metrics;
  const best = JSON.stringify(challenger.recipe);
  return (
    <>
      <p>
        Trained on {count(trainingSet.hours, 'hour')} ({count(trainingSet.rainHours, 'rain hour')}),{' '}
        {utcTime(trainingSet.from)} to {utcTime(trainingSet.to)}; {count(embargoHours, 'hour')} of embargo
        before the test part. The recipe at work: {recipeInWords(recipe)}.
      </p>
      <Table
        caption="Recipes tried, measured on out-of-fold hours of the development part"
        head={['Recipe', 'Average precision', 'Onset', 'Brier', 'Log loss']}
        rows={candidates.map((candidate) => {
          const isBest = JSON.stringify(candidate.recipe) === best;
          const recipeCell = (
            <span class={isBest ? 'recipe best' : 'recipe'}>
              {isBest && 'Best: '}
              {recipeInWords(candidate.recipe)}
            </span>
          );
          return candidate.status === 'scored'
            ? [
                recipeCell,
                decimal(candidate.averagePrecision),
                decimal(candidate.onsetAveragePrecision),
                decimal(candidate.brier, 4),
                decimal(candidate.logLoss, 4),
              ]
            : [recipeCell, `refused: ${candidate.reason}`, '', '', ''];
        })}
      />
    </>
  );
}

const KERNELS: Readonly<Record<Recipe['kernel'], string>> = { rbf: 'RBF', laplacian: 'Laplacian' };
const CALIBRATIONS: Readonly<Record<Recipe['calibration'], string>> = {
  logistic: 'logistic calibration',
  'logistic-by-present': 'logistic calibration by rain now',
};

/** All of a recipe in one line; what its classifiers share is said once. */
function recipeInWords({ kernel, members, featureGroups, windowRows, calibration }: Recipe): string {
  const shapes = members.map(({ c, gammaScale }) => `C ${c} · γ ${gammaScale}/d`);
  const weights = members.map(({ positiveWeight }) => positiveWeight);
  const classifiers =
    new Set(shapes).size === 1
      ? `${shapes[0]} · rain weighted ${weights.join(', ')}`
      : shapes.map((shape, i) => `${shape} · rain weighted ${weights[i]}`).join(' and ');
  return [
    `${KERNELS[kernel]} kernel`,
    classifiers,
    featureGroups.join(' + '),
    `newest ${count(windowRows, 'hour')}`,
    CALIBRATIONS[calibration],
  ].join(' · ');
}

interface Measured {
  readonly averagePrecision: number | null;
  readonly onsetAveragePrecision: number | null;
  readonly rocAuc: number | null;
  readonly brier: number;
  readonly logLoss: number;
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  readonly accuracy: number;
}

const MEASURES: readonly { label: string; of: (evaluation: Measured) => number | null; digits: number }[] = [
  { label: 'Brier score', of: ({ brier }) => brier, digits: 4 },
  { label: 'Log loss', of: ({ logLoss }) => logLoss, digits: 4 },
  { label: 'Average precision', of: ({ averagePrecision }) => averagePrecision, digits: 3 },
  { label: 'Onset average precision', of: ({ onsetAveragePrecision }) => onsetAveragePrecision, digits: 3 },
  { label: 'ROC AUC', of: ({ rocAuc }) => rocAuc, digits: 3 },
  { label: 'F1', of: ({ f1 }) => f1, digits: 3 },
  { label: 'Precision', of: ({ precision }) => precision, digits: 3 },
  { label: 'Recall', of: ({ recall }) => recall, digits: 3 },
  { label: 'Accuracy', of: ({ accuracy }) => accuracy, digits: 3 },
];

const RANGES_SHOWN = 12;

/** Neighbouring hours joined into ranges; the first dozen, and how many there are beyond. */
function gapRanges(gaps: readonly TimelineHour[], timezone: string): string {
  const ranges: { from: number; to: number }[] = [];
  for (const { hour } of gaps) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === hour) last.to = hour + HOUR_MS;
    else ranges.push({ from: hour, to: hour + HOUR_MS });
  }
  const shown = ranges
    .slice(0, RANGES_SHOWN)
    .map(({ from, to }) => `${localTime(from, timezone)} (${count((to - from) / HOUR_MS, 'hour')})`);
  const more = ranges.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

function yesNo(rain: boolean): string {
  return rain ? 'rain' : 'no rain';
}
