import type { ModelMetrics } from '../model/metrics-file';
import type { LedgerEntry } from '../model/registry';
import type { Location } from '../runtime/settings';
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
import { ago, count, decimal, localTime, percent, utcTime } from './words';

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
  /** Decision threshold of the version, for the dashed line. */
  readonly threshold: number;
}

/** The report page of one model version; called by `refreshPages`. */
export function modelPage(content: ModelPageContent): string {
  const { location, metrics, generatedAt } = content;
  const isChampion = content.ledger.at(-1)?.version === metrics.version;
  return renderPage(
    `${location.name}: rain model ${metrics.version}`,
    <>
      <header>
        <p>
          <a href="../../index.html">All places</a>
        </p>
        <h1>{location.name}</h1>
        <p class="muted">
          Model {metrics.version}
          {isChampion ? ', the champion' : ''} · page made {localTime(generatedAt, location.timezone)} (
          {utcTime(generatedAt)})
        </p>
      </header>
      <main>
        <Recent {...content} />
        <TestPart {...content} />
        <Skill {...content} />
        <History {...content} />
        <Search {...content} />
        <footer class="muted">
          <p>
            Sources: <code>metrics.json</code> and <code>test-forecasts.parquet</code> beside this page, the
            ledger in <code>{location.id}/ledger/</code>, and the tables <code>verified_forecasts</code> and{' '}
            <code>hourly_observations</code>.
          </p>
        </footer>
      </main>
    </>,
  );
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
      : `Last ${count(days, 'day')}: ${count(issued.length, 'forecast')}, ${judged.length} of them verified. ` +
        `${count(wet.length, 'rain hour')} came; ${count(misses.length, 'miss', 'misses')} (triangles), ` +
        `${count(falseAlarms.length, 'false alarm')} (crosses). The shade marks the hours in which it rained.`;
  return (
    <section>
      <h2>The last days</h2>
      {recent.length === 0 ? (
        <p>No hour of the last days is in the lake yet.</p>
      ) : (
        <Figure
          title="Forecasts against what happened"
          summary={summary}
          charts={[
            probabilityTimeline(recent, threshold, summary),
            rainTimeline(recent, `Rain of each hour in mm; ${count(gaps.length, 'hour')} not known.`),
          ]}
          wide
          table={{
            caption: `Hours with rain, or with a forecast of it (${location.timezone})`,
            head: ['Hour', 'Probability', 'Forecast', 'Came', 'mm'],
            rows: recent
              .filter(({ rained, willRain }) => rained === true || willRain === true)
              .map((hour) => [
                localTime(hour.hour, location.timezone),
                percent(hour.probability),
                yesNo(hour.willRain, 'rain', 'no rain'),
                yesNo(hour.rained, 'rain', 'no rain'),
                decimal(hour.precipMm, 1),
              ]),
          }}
        />
      )}
      <h3>Data gaps</h3>
      <p>
        {gaps.length === 0
          ? 'None: every hour shown has an observation of rain.'
          : `${count(gaps.length, 'hour')} without an observation of rain: ${gapRanges(gaps, location.timezone)}.`}
      </p>
    </section>
  );
}

function TestPart({ metrics, testForecasts, threshold }: ModelPageContent) {
  const { test, persistence, climatology, logisticRegression } = metrics;
  const [[tn, fp], [fn, tp]] = test.confusion;
  const curve = precisionRecallCurve(testForecasts);
  const bins = scoreBins(testForecasts);
  const filled = test.reliability.flatMap(({ forecast, observed, hours }) =>
    forecast === null || observed === null ? [] : [{ forecast, observed, hours }],
  );
  const span = `${utcTime(test.from)} to ${utcTime(test.to)}`;
  const prText =
    `Average precision ${decimal(test.averagePrecision)}; always forecasting rain would have ` +
    `${percent(test.rainHours / test.hours, 1)} (dashed). The dot is the chosen threshold: ` +
    `precision ${percent(test.precision)}, recall ${percent(test.recall)}.`;
  const reliabilityText =
    'Dots on the dashed line are honest probabilities: of the hours given 30%, 30% were wet. Numbers count the hours.';
  const scoreText = `Dry hours grey, wet hours blue; at ${percent(threshold, 1)} (dashed) and above the forecast says rain.`;
  return (
    <section>
      <h2>On hours it had not seen</h2>
      <p>
        The recipe was tested on {count(test.hours, 'hour')} ({count(test.rainHours, 'rain hour')}), {span},
        by a model fitted on older hours only. {metrics.reasons.join(' ')}
      </p>
      <Table
        caption="Measures on the test part; Brier score and log loss: lower is better"
        head={['Measure', 'This recipe', 'Persistence', 'Climatology', 'Logistic regression']}
        rows={MEASURES.map(({ label, of, digits }) => [
          label,
          ...[test, persistence, climatology, logisticRegression].map((evaluation) =>
            decimal(of(evaluation), digits),
          ),
        ])}
      />
      <p>
        Gain in Brier score over persistence: {decimal(metrics.overPersistence.improvement, 4)}, 95% interval{' '}
        {decimal(metrics.overPersistence.lower, 4)} to {decimal(metrics.overPersistence.upper, 4)} (weekly
        blocks).
      </p>
      <div class="grid">
        <figure>
          <h3>Confusion matrix</h3>
          <Table
            caption={`Yes/no forecasts at a probability of ${percent(threshold, 1)}`}
            head={['', 'Forecast: no rain', 'Forecast: rain']}
            rows={[
              ['It stayed dry', `${tn} correct`, `${fp} false alarms`],
              ['It rained', `${fn} misses`, `${tp} hits`],
            ]}
          />
          <figcaption>
            Accuracy {percent(test.accuracy, 1)}; “always dry” would have{' '}
            {percent(1 - test.rainHours / test.hours, 1)}, which is why accuracy decides nothing here.
          </figcaption>
        </figure>
        {curve.length === 0 ? (
          <p>No precision–recall curve: the test part holds no rain hour.</p>
        ) : (
          <Figure
            title="Precision and recall"
            summary={prText}
            charts={[
              precisionRecallChart(
                curve,
                { recall: test.recall, precision: test.precision },
                test.rainHours / test.hours,
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
          charts={[reliabilityChart(filled, reliabilityText)]}
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
          charts={[scoreChart(bins, threshold, scoreText)]}
          table={{
            caption: 'Hours by forecast probability and outcome',
            head: ['Probability', 'Dry', 'Wet'],
            rows: bins.map(({ from, to, dry, wet }) => [`${percent(from)} to ${percent(to)}`, dry, wet]),
          }}
        />
      </div>
    </section>
  );
}

function Skill({ location, testForecasts }: ModelPageContent) {
  const months = skillByMonth(testForecasts);
  const hours = skillByHourOfDay(testForecasts, location.timezone);
  return (
    <section>
      <h2>Skill against persistence</h2>
      <p>
        100% would be a perfect forecast, 0% is as good as “it goes on as it is”, below 0% is worse. Test part
        only.
      </p>
      <div class="grid">
        <SkillFigure title="By month" groups={months} />
        <SkillFigure title={`By hour of the day (${location.timezone})`} groups={hours} />
      </div>
    </section>
  );
}

function SkillFigure({ title, groups }: { readonly title: string; readonly groups: readonly SkillGroup[] }) {
  const judged = groups.filter(({ skill }) => skill !== null);
  const better = judged.filter(({ skill }) => skill !== null && skill > 0);
  const summary =
    judged.length === 0
      ? 'Too few hours or no rain: nothing can be said.'
      : `Better than persistence in ${better.length} of ${judged.length} groups; groups without rain are left out.`;
  return (
    <Figure
      title={title}
      summary={summary}
      charts={judged.length === 0 ? [] : [skillChart(groups, summary)]}
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
  return (
    <section>
      <h2>Champions</h2>
      {ledger.length === 0 ? (
        <p>No model of this place has become champion yet.</p>
      ) : (
        <Table
          caption="Who forecast from when on, and why; newest first"
          words
          head={['Since', 'Version', 'Outcome', 'Reason']}
          rows={[...ledger].reverse().map(({ since, version, outcome, reason }) => [
            `${localTime(since, location.timezone)} (${ago(since, generatedAt)})`,
            <a key={version} href={`../${version}/report.html`}>
              {version}
            </a>,
            outcome,
            reason,
          ])}
        />
      )}
    </section>
  );
}

function Search({ metrics }: ModelPageContent) {
  return (
    <section>
      <h2>Recipe and search</h2>
      <p>
        Trained on {count(metrics.trainingSet.hours, 'hour')} (
        {count(metrics.trainingSet.rainHours, 'rain hour')}), {utcTime(metrics.trainingSet.from)} to{' '}
        {utcTime(metrics.trainingSet.to)}; {metrics.embargoHours} hours of embargo before the test part.
      </p>
      <Table
        caption="Recipes tried, measured on out-of-fold hours of the development part"
        head={['Recipe', 'Average precision', 'Onset', 'Brier', 'Log loss']}
        rows={metrics.candidates.map((candidate) =>
          candidate.status === 'scored'
            ? [
                <code key="recipe">{JSON.stringify(candidate.recipe)}</code>,
                decimal(candidate.averagePrecision),
                decimal(candidate.onsetAveragePrecision),
                decimal(candidate.brier, 4),
                decimal(candidate.logLoss, 4),
              ]
            : [
                <code key="recipe">{JSON.stringify(candidate.recipe)}</code>,
                `refused: ${candidate.reason}`,
                '',
                '',
                '',
              ],
        )}
      />
    </section>
  );
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

const HOUR_MS = 3_600_000;
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

function yesNo(value: boolean | null, yes: string, no: string): string {
  if (value === null) return 'not known';
  return value ? yes : no;
}
