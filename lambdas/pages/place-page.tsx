import type { ComponentChild } from 'preact';
import type { Agreement } from '../lake/agreement';
import type { ModelMetrics } from '../model/metrics-file';
import type { ChampionEntry } from '../model/registry';
import { HOUR_MS } from '../runtime/time';
import type { Location } from '../weather/location';
import {
  type DailySkill,
  precisionRecallChart,
  probabilityTimeline,
  rainTimeline,
  reliabilityChart,
  scoreChart,
  skillChart,
  skillSparkline,
  type TimelineHour,
} from './charts';
import { KnownAndTrue } from './known-and-true';
import { Figure, type LegendEntry, Matrix, renderPage, Table } from './page';
import { type RecentHour, SKILL_DAYS, type VerificationWindow } from './recent';
import { differenceInWords, isSame, recipeInWords } from './recipes';
import { besideProvider, skillInWords } from './skill';
import {
  precisionRecallCurve,
  type SkillGroup,
  scoreBins,
  skillByHourOfDay,
  skillByMonth,
  type TestForecast,
} from './test-curves';
import {
  age,
  count,
  decimal,
  localTime,
  MISSING,
  percent,
  relativeBrier,
  skillPercent,
  utcTime,
} from './words';

/** Everything the page of one place shows; each part names the stored file it comes from. */
export interface PlacePageContent {
  readonly location: Location;
  readonly generatedAt: string;
  /** The last days of the lake, one entry for each hour, forecasts of whichever champion made them. */
  readonly recent: readonly RecentHour[];
  /** Skill of the last days, oldest first. */
  readonly dailySkill: readonly DailySkill[];
  /** The newest 30-day window of `forecast_verification`. */
  readonly month: VerificationWindow | null;
  /** What polls told in time against settled history, of the last days. */
  readonly agreement: readonly Agreement[];
  /** Who was champion when, oldest first. */
  readonly champions: readonly ChampionEntry[];
  /** Since when the plain probability speaks although there is a joined one; null where it does not. */
  readonly silencedSince: string | null;
  /** The champion's test; null before the first champion, or when its files can't be read. */
  readonly tested: TestedVersion | null;
  /** What could not be read, in sentences. */
  readonly notes: readonly string[];
}

export interface TestedVersion {
  /** `metrics.json` of the version. */
  readonly metrics: ModelMetrics;
  /** `test-forecasts.parquet` of the version. */
  readonly testForecasts: readonly TestForecast[];
  /** Decision threshold of the model at work; the test part was judged at one of its own. */
  readonly threshold: number;
}

/** The page of one place; called by `refreshPlacePages`. */
export function placePage(content: PlacePageContent): string {
  const { location, generatedAt, tested, notes } = content;
  const sections = tested === null ? SECTIONS.filter(({ Part }) => Part !== undefined) : [...SECTIONS];
  return renderPage(
    `${location.name}: rain in the next hour`,
    <>
      <header>
        <p>
          <a href="../index.html">All places</a>
        </p>
        <h1>{location.name}</h1>
        <p class="muted">
          {roleInWords(content)} · page made <Time at={generatedAt} zone={location.timezone} /> · times are of{' '}
          {location.timezone}; each shows UTC when pointed at
        </p>
        {notes.map((note) => (
          <p key={note} class="attention">
            ! {note}
          </p>
        ))}
        <nav aria-label="On this page">
          <ul>
            {sections.map(({ id, title }) => (
              <li key={id}>
                <a href={`#${id}`}>{title}</a>
              </li>
            ))}
          </ul>
        </nav>
      </header>
      <main>
        {sections.map(({ id, title, Part, OfTest }) => (
          <section key={id} id={id}>
            <h2>{title}</h2>
            {Part !== undefined ? (
              <Part {...content} />
            ) : (
              tested !== null && <OfTest {...tested} location={location} />
            )}
          </section>
        ))}
        <footer class="muted">
          <p>
            Sources: <code>metrics.json</code> and <code>test-forecasts.parquet</code> of the champion, the
            ledger in <code>{location.id}/ledger/</code> and <code>latest.json</code> (the threshold) in the
            models bucket; the tables <code>forecasts</code>, <code>hourly_observations</code>,{' '}
            <code>provider_agreement</code> and <code>forecast_verification</code>.
          </p>
        </footer>
      </main>
    </>,
  );
}

interface TestProps extends TestedVersion {
  readonly location: Location;
}

/** Parts that every place has, and parts that speak of the champion's test. */
type Section = { readonly id: string; readonly title: string } & (
  | { readonly Part: (content: PlacePageContent) => ComponentChild; readonly OfTest?: undefined }
  | { readonly OfTest: (props: TestProps) => ComponentChild; readonly Part?: undefined }
);

const SECTIONS: readonly Section[] = [
  { id: 'last-days', title: 'The last days', Part: Recent },
  { id: 'known-and-true', title: 'What polls knew, and what was true', Part: KnownAndTrue },
  { id: 'champions', title: 'Champions', Part: History },
  { id: 'judged', title: 'Against the alternatives', OfTest: Judged },
  { id: 'test', title: 'On its test hours', OfTest: TestPart },
  { id: 'skill', title: 'Skill against persistence in the test', OfTest: Skill },
  { id: 'search', title: 'Recipe and search', OfTest: Search },
];

function roleInWords({ champions, generatedAt }: PlacePageContent): string {
  const champion = champions.at(-1);
  return champion === undefined
    ? 'No model has earned its place yet'
    : `Model ${champion.version}, champion for ${age(champion.since, generatedAt)}`;
}

/** An instant in the place's own time, with UTC for those who point at it. */
function Time({ at, zone }: { readonly at: number | string; readonly zone: string }) {
  return (
    <time datetime={new Date(at).toISOString()} title={utcTime(at)}>
      {localTime(at, zone)}
    </time>
  );
}

function Recent({ location, recent, tested, dailySkill, month, silencedSince }: PlacePageContent) {
  const provider = besideProvider(month === null ? [] : [month], SKILL_DAYS);
  const zone = location.timezone;
  const threshold = tested?.threshold ?? null;
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
  const now = recent.findLast(({ tempC, precipMm }) => tempC !== null || precipMm !== null);
  return (
    <>
      <dl class="facts">
        <dt>Newest hour</dt>
        <dd>
          {now === undefined ? (
            'none in the lake yet'
          ) : (
            <>
              {nowInWords(now)}, from <Time at={now.hour} zone={zone} />
            </>
          )}
        </dd>
        <dt>Skill, 30 days</dt>
        <dd>
          {skillInWords(month)}
          {month !== null && month.hours > 0 && `, ${count(month.hours, 'verified hour')}`}
          {dailySkill.some(({ skill }) => skill !== null) && (
            <div dangerouslySetInnerHTML={{ __html: skillSparkline(dailySkill) }} />
          )}
        </dd>
        {provider !== undefined && (
          <>
            <dt>The provider</dt>
            <dd>
              {provider}, recalibrated, in {count(month?.providerHours ?? 0, 'hour')}
            </dd>
          </>
        )}
        {silencedSince !== null && (
          <>
            <dt>Voice</dt>
            <dd>
              The provider’s forecast is left out since <Time at={silencedSince} zone={zone} />: joined with
              it the probabilities were worse than without, and they are used again once they are not
            </dd>
          </>
        )}
        <dt>Missing hours</dt>
        <dd>
          {gaps.length} of the last {recent.length}
        </dd>
      </dl>
      {recent.length > 0 && (
        <Figure
          title="Forecasts against what happened"
          summary={summary}
          charts={[
            probabilityTimeline(recent, threshold, zone, summary),
            rainTimeline(
              recent,
              zone,
              `Rain of each hour: ${count(wet.length, 'rain hour')}, at most ${decimal(highest, 1)} mm; ` +
                `${count(gaps.length, 'hour')} not known.`,
            ),
          ]}
          wide
          legend={[
            { sign: 'line', color: '--forecast', text: 'forecast probability' },
            ...(threshold === null
              ? []
              : [
                  {
                    sign: 'dashes',
                    color: '--muted',
                    text: `threshold of this model, ${percent(threshold, 1)}`,
                  } satisfies LegendEntry,
                ]),
            { sign: 'area', color: '--rain-pale', text: 'it rained in the hour' },
            { sign: '▲', color: '--miss', text: 'miss: it rained against the forecast' },
            { sign: '✕', color: '--false-alarm', text: 'false alarm: it stayed dry against the forecast' },
            { sign: 'area', color: '--rain', text: 'rain in mm' },
            { sign: 'area', color: '--gap', text: 'not observed' },
          ]}
          table={{
            caption: 'Hours with a forecast, with rain or without an observation; all others were dry',
            head: ['Hour', 'Probability', 'Forecast', 'Came', 'mm'],
            rows: recent
              .filter(({ rained, probability }) => rained !== false || probability !== null)
              .map((hour) => [
                <Time key={hour.hour} at={hour.hour} zone={zone} />,
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
          : `${count(gaps.length, 'hour')} without an observation of rain: ${gapRanges(gaps, zone)}.`}
      </p>
    </>
  );
}

function nowInWords({ rained, precipMm, tempC }: RecentHour): string {
  const rain = rained === null ? 'rain not known' : rained ? `rain, ${decimal(precipMm, 1)} mm` : 'dry';
  return tempC === null ? rain : `${rain}, ${tempC.toFixed(1)} °C`;
}

function TestPart({ metrics, testForecasts, threshold, location }: TestProps) {
  const { test, overPersistence } = metrics;
  const [[tn, fp], [fn, tp]] = test.confusion;
  const curve = precisionRecallCurve(testForecasts);
  const bins = scoreBins(testForecasts);
  const filled = test.reliability.flatMap(({ forecast, observed, hours }) =>
    forecast === null || observed === null ? [] : [{ forecast, observed, hours }],
  );
  const compared = testedBeside(metrics);
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
        <Time at={test.from} zone={location.timezone} /> to <Time at={test.to} zone={location.timezone} />, by
        a model fitted and calibrated on older hours only. They took no part in the choice of the recipe.
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
        Gain in Brier score over persistence: {gainInWords(overPersistence)}. The model at work was then
        fitted on all hours, these included, and forecasts rain from {percent(threshold, 1)} on.
      </p>
      <div class="grid">
        <Matrix
          title="Confusion matrix"
          caption={`Yes/no forecasts at a probability of ${cut}`}
          head={['Forecast: no rain', 'Forecast: rain']}
          rows={[
            {
              head: 'It stayed dry',
              cells: [
                { tint: '--good', hours: tn, what: 'correct' },
                { tint: '--false-alarm', hours: fp, what: 'false alarms' },
              ],
            },
            {
              head: 'It rained',
              cells: [
                { tint: '--miss', hours: fn, what: 'misses' },
                { tint: '--good', hours: tp, what: 'hits' },
              ],
            },
          ]}
        >
          Accuracy {percent(test.accuracy, 1)}; “always dry” would have {percent(1 - baseRate, 1)}, which is
          why accuracy decides nothing here.
        </Matrix>
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

/** Everyone who was measured on the test hours. */
function testedBeside({
  test,
  persistence,
  climatology,
  logisticRegression,
  plainSvc,
  provider,
}: ModelMetrics): { who: string; evaluation: Measured }[] {
  const fitted = (who: string, evaluation: Measured | null) =>
    evaluation === null ? [] : [{ who, evaluation }];
  return [
    { who: 'This recipe', evaluation: test },
    { who: 'Persistence', evaluation: persistence },
    { who: 'Climatology', evaluation: climatology },
    ...fitted('Logistic regression', logisticRegression),
    ...fitted('Plain SVC', plainSvc),
    ...fitted(`Provider, ${count(provider?.hours ?? 0, 'hour')}`, provider),
  ];
}

function gainInWords({ improvement, lower, upper }: ModelMetrics['overPersistence']): string {
  return lower === null || upper === null
    ? `${decimal(improvement, 4)}; too few weeks for an interval`
    : `${decimal(improvement, 4)}, 90% interval ${decimal(lower, 4)} to ${decimal(upper, 4)} (weekly blocks)`;
}

const BASELINES = [
  { key: 'persistence', who: 'Persistence (“it goes on as it is”)' },
  { key: 'climatology', who: 'Climatology' },
  { key: 'logisticRegression', who: 'Logistic regression' },
  { key: 'plainSvc', who: 'The plain SVC of tutorials' },
  { key: 'provider', who: 'The provider’s own forecast, recalibrated' },
] as const;

type Comparisons = ModelMetrics['comparisons'];

/** What the gate decided, and how the recipe stands to each baseline on the hours that decided. */
function Judged({ metrics, location }: TestProps) {
  const { series, comparisons, reasons } = metrics;
  return (
    <>
      <p>{reasons.join(' ')}</p>
      {series === null ? (
        <p>The hours are too few to hold this recipe against others.</p>
      ) : (
        <>
          <p>
            Judged on {count(series.hours, 'hour')} of {count(series.weeks, 'week')} (
            {count(series.rainHours, 'rain hour')} in {count(series.episodes, 'episode')}),{' '}
            <Time at={series.from} zone={location.timezone} /> to{' '}
            <Time at={series.to} zone={location.timezone} />: each hour by models fitted on earlier hours and
            calibrated on other weeks. Brier score {decimal(series.brier, 4)}; lower is better.
          </p>
          <Table
            caption="This recipe beside what one could use instead, on the same hours; with − its Brier score is the lower one"
            head={['Baseline', 'Its Brier', 'Difference', '90% interval', 'This recipe is']}
            rows={BASELINES.flatMap(({ key, who }) => {
              const compared = comparisons[key];
              if (compared === null) return [];
              const { brier, verdict, improvement, lower, upper } = compared;
              return [
                [
                  who,
                  decimal(brier, 4),
                  relativeBrier(improvement, brier),
                  lower === null || upper === null
                    ? 'too few weeks'
                    : `${relativeBrier(upper, brier)} to ${relativeBrier(lower, brier)}`,
                  verdict,
                ],
              ];
            })}
          />
          {comparisons.provider !== null && <ProviderHours {...comparisons.provider} />}
        </>
      )}
    </>
  );
}

function ProviderHours({ hours, rainHours, rawBrier }: NonNullable<Comparisons['provider']>) {
  return (
    <p>
      The provider’s forecast is known for {count(hours, 'of these hours', 'of these hours')} (
      {count(rainHours, 'rain hour')}); recalibrated means that its probability and amount were given the
      meaning that they had in other weeks.
      {rawBrier !== null && ` As issued, its probability has a Brier score of ${decimal(rawBrier, 4)}.`}
    </p>
  );
}

function Skill({ location, testForecasts }: TestProps) {
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
  const told = judged.map(({ label, skill }) => `${label}: ${skillPercent(skill)}`).join(', ');
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
          skillPercent(group.skill),
        ]),
      }}
    />
  );
}

function History({ location, champions, generatedAt }: PlacePageContent) {
  return champions.length === 0 ? (
    <p>No model of this place has become champion yet.</p>
  ) : (
    <Table
      caption="Who forecast from when on, and why; newest first"
      words
      head={['Since', 'Version', 'Outcome', 'Reason']}
      rows={[...champions].reverse().map(({ since, version, told }) => [
        <>
          <Time key={since} at={since} zone={location.timezone} /> ({age(since, generatedAt)} ago)
        </>,
        version,
        told?.outcome ?? 'in the ledger',
        told?.reason ?? 'in the ledger',
      ])}
    />
  );
}

function Search({ metrics, location }: TestProps) {
  const { trainingSet, recipe, challenger, candidates, embargoHours } = metrics;
  return (
    <>
      <p>
        Trained on {count(trainingSet.hours, 'hour')} ({count(trainingSet.rainHours, 'rain hour')}),{' '}
        <Time at={trainingSet.from} zone={location.timezone} /> to{' '}
        <Time at={trainingSet.to} zone={location.timezone} />; {count(embargoHours, 'hour')} of embargo before
        the test part.{rowsInWords(trainingSet)}
      </p>
      <p>The recipe at work: {recipeInWords(recipe)}.</p>
      {!isSame(recipe, challenger.recipe) && (
        <p>The recipe that this search chose: {recipeInWords(challenger.recipe)}.</p>
      )}
      <Table
        caption="Recipes tried, by what they differ in from the chosen one, lowest Brier score first, measured on the hours that decided; baselines are never chosen"
        head={['Recipe', 'Brier', 'Log loss', 'Average precision', 'Onset']}
        rows={[...candidates]
          .sort((a, b) => brierOf(a) - brierOf(b))
          .map((candidate, i) => [
            <span key={i} class={isSame(candidate.recipe, challenger.recipe) ? 'recipe best' : 'recipe'}>
              {candidate.status === 'scored' && candidate.baseline && 'Baseline: '}
              {differenceInWords(candidate.recipe, challenger.recipe)}
              {candidate.status === 'refused' && `; refused: ${candidate.reason}`}
            </span>,
            ...(candidate.status === 'scored'
              ? [
                  decimal(candidate.brier, 4),
                  decimal(candidate.logLoss, 4),
                  decimal(candidate.averagePrecision),
                  decimal(candidate.onsetAveragePrecision),
                ]
              : ['', '', '', '']),
          ])}
      />
    </>
  );
}

/** Refused ones come last. */
function brierOf(candidate: ModelMetrics['candidates'][number]): number {
  return candidate.status === 'scored' ? candidate.brier : 1;
}

/** Where the rows came from, and which were not seen. */
function rowsInWords({ polledHours, passedOver }: ModelMetrics['trainingSet']): string {
  const { otherThreshold, oldShape } = passedOver ?? { otherThreshold: 0, oldShape: 0 };
  const unseen =
    otherThreshold + oldShape === 0
      ? ''
      : ` Passed over: ${count(otherThreshold, 'hour')} of another rain threshold, ${oldShape} of an older shape.`;
  return polledHours === null
    ? unseen
    : ` Of these, ${polledHours} were polled; history tells the others.${unseen}`;
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
