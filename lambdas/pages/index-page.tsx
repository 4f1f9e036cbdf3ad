import type { LocationResult } from '../model/metrics-file';
import type { LedgerEntry } from '../model/registry';
import { addDays, HOUR_MS } from '../runtime/time';
import type { Location } from '../weather/location';
import { type DailySkill, skillSparkline } from './charts';
import { renderPage, Table } from './page';
import type { VerificationWindow } from './recent';
import {
  age,
  chance,
  count,
  decimal,
  localDay,
  localHour,
  localTime,
  MISSING,
  percent,
  utcTime,
} from './words';

/** What the index says of one place. Null is "there is none", and is said so. */
export interface PlaceOverview {
  readonly location: Location;
  /** Newest hour of the last days that has an observation. */
  readonly now: {
    /** Start of the hour, ISO 8601 UTC. */
    readonly hour: string;
    readonly tempC: number | null;
    readonly precipMm: number | null;
    readonly rained: boolean | null;
  } | null;
  readonly forecast: {
    readonly targetHour: string;
    readonly probability: number;
    readonly willRain: boolean;
    readonly threshold: number;
  } | null;
  /** Why the last hourly run made no forecast, if it said so. */
  readonly whyNoForecast: string | null;
  /** The last days, oldest first. */
  readonly dailySkill: readonly DailySkill[];
  /** The newest 30-day window of `forecast_verification`; it ends days ago when nothing was verified since. */
  readonly month: Omit<VerificationWindow, 'windowDays'> | null;
  readonly champion: LedgerEntry | null;
  /** Why `champion.json` can't be read, if it can't. */
  readonly championDamage: string | null;
  /** What the last retraining found; its test is of the recipe that went on as `version`. */
  readonly lastRun:
    | (Pick<LocationResult, 'outcome' | 'reason' | 'version'> & {
        readonly asOf: string;
        readonly test: { readonly brier: number; readonly hours: number } | null;
        readonly persistence: { readonly brier: number } | null;
      })
    | null;
  /** Hours of the last days without an observation, and how many hours were looked at. */
  readonly gaps: { readonly missing: number; readonly expected: number };
}

export interface IndexContent {
  readonly generatedAt: string;
  readonly places: readonly PlaceOverview[];
}

/** Share of missing hours from which a person should look at ingestion. */
const GAPS_WORTH_A_LOOK = 0.1;
/** A forecast is made for the hour after each closed one; two hours later it has been missed. */
const FORECAST_LATE_MS = 2 * HOUR_MS;
/** The newest closed hour began an hour or two ago; two hours more are a disturbance that lasts. */
const OBSERVATION_LATE_MS = 4 * HOUR_MS;
/** Verified hours below which 30-day skill is too noisy to worry about. */
const HOURS_TO_JUDGE = 7 * 24;
/** From so many places on, their names with links come first. */
const PLACES_WORTH_A_LIST = 12;

/** What needs a person's attention at a place; empty when all is well. */
export function concerns(place: PlaceOverview, generatedAt: string): string[] {
  const { champion, championDamage, forecast, whyNoForecast, month, gaps, lastRun, now } = place;
  const found: string[] = [];
  const at = Date.parse(generatedAt);
  if (now === null) found.push('No observation of the last days is in the lake.');
  else if (at - Date.parse(now.hour) >= OBSERVATION_LATE_MS) {
    found.push(`The newest observed hour began ${age(now.hour, generatedAt)} ago.`);
  }
  if (championDamage !== null) found.push(`Who is champion can't be read: ${championDamage}`);
  else if (champion === null) found.push('No model has earned its place yet, so there are no forecasts.');
  else if (forecast === null)
    found.push(`There is a model, but no forecast: ${whyNoForecast ?? 'why is not known'}.`);
  else if (isLate(forecast, generatedAt)) {
    found.push(`The newest forecast is for an hour that began ${age(forecast.targetHour, generatedAt)} ago.`);
  }
  if (month?.skill != null && month.skill < 0 && month.hours >= HOURS_TO_JUDGE) {
    found.push('Over 30 days the forecasts were worse than persistence.');
  }
  if (gaps.expected > 0 && gaps.missing / gaps.expected > GAPS_WORTH_A_LOOK) {
    found.push(`${count(gaps.missing, 'hour')} of the last ${gaps.expected} have no observation.`);
  }
  if (lastRun?.outcome === 'failed') found.push(`The last retraining failed: ${lastRun.reason}`);
  return found;
}

interface Judged extends PlaceOverview {
  readonly problems: readonly string[];
  /** The forecast, unless its hour is long past. */
  readonly current: PlaceOverview['forecast'];
}

/** `index.html`: will it rain, how good are the forecasts, is all well. Called by `refreshPages`. */
export function indexPage({ generatedAt, places }: IndexContent): string {
  // What a reader has to know comes first: trouble, then rain, then the rest in the order of the configuration.
  const judged = places
    .map((place): Judged => {
      const current = place.forecast === null || isLate(place.forecast, generatedAt) ? null : place.forecast;
      return { ...place, problems: concerns(place, generatedAt), current };
    })
    .sort((a, b) => urgency(b) - urgency(a));
  return renderPage(
    'Garoa: will it rain in the next hour?',
    <>
      <header>
        <h1>Will it rain in the next hour?</h1>
        <p class="muted">
          {count(places.length, 'place')} · page made {utcTime(generatedAt)}, and anew every hour: an older
          page means that the hourly runs have stopped
        </p>
      </header>
      <main>
        <div class="answers">
          <section>
            <h2>Will it rain?</h2>
            <p>{rainInWords(judged)}</p>
          </section>
          <section>
            <h2>How good are the forecasts?</h2>
            <p>{qualityInWords(places)}</p>
          </section>
          <section>
            <h2>Is all well?</h2>
            <WellBeing places={judged} />
          </section>
        </div>
        {judged.length > PLACES_WORTH_A_LIST && <PlaceList places={judged} />}
        <h2>Places</h2>
        <ul class="places">
          {judged.map((place) => (
            <Place key={place.location.id} place={place} generatedAt={generatedAt} />
          ))}
        </ul>
        <h2>How to read this</h2>
        <p>
          The large number is the probability of rain in the hour named beside it; “rain” or “no rain” is the
          forecast at the model's own threshold. The Brier score is the mean squared error of the
          probabilities: 0 is perfect. Skill compares it with persistence (“it goes on as it is”): 0% is no
          better, 100% is perfect, below 0% is worse. A bar is a day: up is better than persistence, down is
          worse, and where there is none, nothing could be compared.
        </p>
        <h2>All figures</h2>
        <Table
          caption="Verified forecasts of the last 30 days, as the table forecast_verification keeps them"
          head={[
            'Place',
            'Verified hours',
            'Rain hours',
            'Brier',
            'Persistence',
            'Skill',
            'Hits',
            'Misses',
            'False alarms',
          ]}
          rows={places.map(({ location, month }) =>
            month === null
              ? [location.name, 0, ...Array.from({ length: 7 }, () => MISSING)]
              : [
                  location.name,
                  month.hours,
                  month.rainHours,
                  decimal(month.brier, 4),
                  decimal(month.persistenceBrier, 4),
                  percent(month.skill),
                  month.hits,
                  month.misses,
                  month.falseAlarms,
                ],
          )}
        />
        <footer class="muted">
          <p>
            Sources: <code>latest.json</code>, <code>champions.json</code> and each place's{' '}
            <code>champion.json</code> in the models bucket; the tables <code>hourly_observations</code> and{' '}
            <code>forecast_verification</code>.
          </p>
        </footer>
      </main>
    </>,
  );
}

function isLate({ targetHour }: { readonly targetHour: string }, generatedAt: string): boolean {
  return Date.parse(generatedAt) - Date.parse(targetHour) >= FORECAST_LATE_MS;
}

function urgency({ problems, current }: Judged): number {
  return (problems.length > 0 ? 2 : 0) + (current?.willRain === true ? 1 : 0);
}

function rainInWords(places: readonly Judged[]): string {
  const forecast = places.filter(({ current }) => current !== null);
  const rainy = forecast.filter(({ current }) => current?.willRain === true);
  const silent = places.length - forecast.length;
  if (forecast.length === 0) return 'Not known: there is no forecast for this hour.';
  const told =
    places.length === 1
      ? `${rainy.length === 0 ? 'No rain' : 'Rain'} is expected.`
      : rainy.length === 0
        ? `No rain is expected at any of ${count(forecast.length, 'place')}.`
        : `Rain is expected at ${rainy.length} of ${count(forecast.length, 'place')}: ${named(rainy)}.`;
  return silent === 0 ? told : `${told} ${count(silent, 'place has', 'places have')} no forecast.`;
}

/** Verified forecasts of all places together; before there are enough of them, what the tests of the models said. */
function qualityInWords(places: readonly PlaceOverview[]): string {
  const months = places.flatMap(({ month }) => month ?? []);
  const sum = (of: (month: (typeof months)[number]) => number) =>
    months.reduce((total, month) => total + of(month), 0);
  const hours = sum((month) => month.hours);
  const rainHours = sum((month) => month.rainHours);
  const persistence = sum((month) => month.persistenceSquaredError);
  if (persistence > 0 && rainHours > 0 && hours >= HOURS_TO_JUDGE) {
    const skill = 1 - sum((month) => month.comparedSquaredError) / persistence;
    return (
      `Over 30 days, skill against persistence ${percent(skill)} in ${count(hours, 'verified hour')}. ` +
      `Of ${count(rainHours, 'rain hour')}, rain was forecast for ${sum((month) => month.hits).toLocaleString('en')}; ` +
      `${count(
        sum((month) => month.falseAlarms),
        'false alarm',
      )}.`
    );
  }
  const early =
    hours === 0
      ? 'Too early to say: no forecast of the last 30 days has been verified.'
      : `Too early to say: ${count(hours, 'verified hour')} in 30 days, ${rainHours} of them with rain.`;
  const tested = places.flatMap((place) => testSkill(place) ?? []);
  const better = tested.filter(({ skill }) => skill > 0);
  return tested.length === 0
    ? early
    : `${early} On test hours they had not seen, ${better.length} of ${count(tested.length, 'champion')} beat persistence.`;
}

/** Skill of the champion's recipe on its test hours; null when the last retraining was about another version. */
function testSkill({ champion, lastRun }: PlaceOverview): { skill: number; hours: number } | null {
  if (champion === null || lastRun?.version !== champion.version) return null;
  const { test, persistence } = lastRun;
  if (test === null || persistence === null || persistence.brier === 0) return null;
  return { skill: 1 - test.brier / persistence.brier, hours: test.hours };
}

const NAMES_SHOWN = 5;

function named(places: readonly PlaceOverview[]): string {
  const names = places.slice(0, NAMES_SHOWN).map(({ location }) => location.name);
  const more = places.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

function WellBeing({ places }: { readonly places: readonly Judged[] }) {
  const troubled = places.filter(({ problems }) => problems.length > 0);
  return troubled.length === 0 ? (
    <p>
      <span class="status ok">✓ All is well</span>
    </p>
  ) : (
    <p>
      <span class="status attention">! {count(troubled.length, 'place needs', 'places need')} attention</span>{' '}
      {named(troubled)}
    </p>
  );
}

function PlaceList({ places }: { readonly places: readonly Judged[] }) {
  return (
    <nav aria-label="All places">
      <h2>At a glance</h2>
      <ul class="glance">
        {places.map(({ location, problems, current }) => (
          <li key={location.id}>
            <a href={`#place-${location.id}`}>{location.name}</a>{' '}
            {current === null ? 'no forecast' : chance(current.probability)}
            {current?.willRain && <span class="rain"> ☂ rain</span>}
            {problems.length > 0 && <span class="attention"> ! attention</span>}
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Place({ place, generatedAt }: { readonly place: Judged; readonly generatedAt: string }) {
  const { location, champion, lastRun, gaps } = place;
  const tested = testSkill(place);
  return (
    <li class="place" id={`place-${location.id}`}>
      <h3>
        {champion === null ? (
          location.name
        ) : (
          <a href={`${location.id}/${champion.version}/report.html`}>{location.name}</a>
        )}
      </h3>
      <Verdict place={place} />
      {place.problems.map((problem) => (
        <p key={problem} class="attention">
          ! {problem}
        </p>
      ))}
      <dl class="facts">
        <dt>Now</dt>
        <dd>{nowInWords(place)}</dd>
        <dt>Skill, 30 days</dt>
        <dd>
          {skillInWords(place, generatedAt)}
          {place.dailySkill.some(({ skill }) => skill !== null) && (
            <div dangerouslySetInnerHTML={{ __html: skillSparkline(place.dailySkill) }} />
          )}
        </dd>
        <dt>Skill in its test</dt>
        <dd>
          {tested === null
            ? champion === null
              ? MISSING
              : 'see its page'
            : `${percent(tested.skill)} over ${count(tested.hours, 'hour')}`}
        </dd>
        <dt>Champion</dt>
        <dd>
          {champion === null ? (
            'none yet'
          ) : (
            <>
              for {age(champion.since, generatedAt)} <code class="version">{champion.version}</code>
            </>
          )}
        </dd>
        <dt>Last retraining</dt>
        <dd>
          {lastRun === null ? (
            'none yet'
          ) : (
            <details>
              <summary>
                {lastRun.outcome} {age(lastRun.asOf, generatedAt)} ago
              </summary>
              {localTime(lastRun.asOf, location.timezone)}: {OUTCOMES[lastRun.outcome]} {lastRun.reason}
            </details>
          )}
        </dd>
        <dt>Missing hours</dt>
        <dd>
          {gaps.missing} of the last {gaps.expected}
        </dd>
      </dl>
    </li>
  );
}

const OUTCOMES: Readonly<Record<LocationResult['outcome'], string>> = {
  promoted: 'a new recipe took over.',
  refreshed: 'the same recipe was fitted on newer data.',
  kept: 'the model before stays as it is.',
  failed: 'the model before stays as it is.',
};

function Verdict({ place: { current, forecast, location } }: { readonly place: Judged }) {
  if (current === null) {
    return (
      <p class="verdict">
        <span class="probability muted">?</span>{' '}
        <span>
          no forecast for this hour
          {forecast !== null &&
            `; the last was ${chance(forecast.probability)} for ${localTime(forecast.targetHour, location.timezone)}`}
        </span>
      </p>
    );
  }
  const from = localHour(current.targetHour, location.timezone);
  const to = localHour(Date.parse(current.targetHour) + HOUR_MS, location.timezone);
  return (
    <p class="verdict">
      <span class={current.willRain ? 'probability rain' : 'probability'}>{chance(current.probability)}</span>{' '}
      <span>
        <strong>{current.willRain ? '☂ rain' : 'no rain'}</strong> from {from} to {to}{' '}
        <span class="muted">on {localDay(current.targetHour, location.timezone)}, local time</span>
      </span>
    </p>
  );
}

function nowInWords({ now, location }: PlaceOverview): string {
  if (now === null) return 'no observation';
  const rain =
    now.rained === null ? 'rain not known' : now.rained ? `rain, ${decimal(now.precipMm, 1)} mm` : 'dry';
  const temperature = now.tempC === null ? '' : `, ${now.tempC.toFixed(1)} °C`;
  return `${rain}${temperature} (hour from ${localHour(now.hour, location.timezone)}, ${localDay(now.hour, location.timezone)})`;
}

function skillInWords({ month }: PlaceOverview, generatedAt: string): string {
  if (month === null || month.hours === 0) return 'nothing verified yet';
  const hours = count(month.hours, 'hour');
  if (month.skill === null) return `not known: nothing to compare with in ${hours}`;
  const weight = month.hours < HOURS_TO_JUDGE ? ', too few to judge' : '';
  const end = month.date < addDays(generatedAt.slice(0, 10), -1) ? `, until ${month.date}` : '';
  return `${percent(month.skill)} over ${hours}, ${month.rainHours} with rain${weight}${end}`;
}
