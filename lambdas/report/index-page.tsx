import type { LocationResult } from '../model/metrics-file';
import type { LedgerEntry } from '../model/registry';
import type { Location } from '../runtime/settings';
import { sparkline } from './charts';
import { renderPage, Table } from './page';
import type { VerificationWindow } from './recent';
import { ago, count, decimal, localHour, localTime, MISSING, percent, utcTime } from './words';

/** What the index says of one place. Null is "there is none", and is said so. */
export interface PlaceOverview {
  readonly location: Location;
  /** Newest row of `hourly_observations`. */
  readonly now: {
    /** Start of the hour, ISO 8601 UTC. */
    readonly hour: string;
    readonly tempC: number | null;
    readonly precipMm: number | null;
    readonly rained: boolean | null;
  } | null;
  /** Newest row of `forecasts`. */
  readonly forecast: {
    readonly targetHour: string;
    readonly probability: number;
    readonly willRain: boolean;
    readonly threshold: number;
  } | null;
  /** Skill of each of the last days, oldest first; null for a day that can't be judged. */
  readonly dailySkill: readonly (number | null)[];
  /** The 30-day window of `forecast_verification`. */
  readonly month: Omit<VerificationWindow, 'date' | 'windowDays'> | null;
  readonly champion: LedgerEntry | null;
  readonly lastRun: (Pick<LocationResult, 'outcome' | 'reason'> & { readonly asOf: string }) | null;
  /** Hours of the last days without an observation, and how many hours were looked at. */
  readonly gaps: { readonly missing: number; readonly expected: number };
}

export interface IndexContent {
  readonly generatedAt: string;
  readonly places: readonly PlaceOverview[];
}

const HOUR_MS = 3_600_000;
/** Share of missing hours from which a person should look at ingestion. */
const GAPS_WORTH_A_LOOK = 0.1;
/** A forecast is made for the hour after each closed one; two hours later it has been missed. */
const FORECAST_LATE_MS = 2 * HOUR_MS;
/** Verified hours below which 30-day skill is too noisy to worry about. */
const HOURS_TO_JUDGE = 7 * 24;

/** What needs a person's attention at a place; empty when all is well. */
export function concerns(place: PlaceOverview, generatedAt: string): string[] {
  const { forecast, champion, month, gaps, lastRun, now } = place;
  const found: string[] = [];
  const at = Date.parse(generatedAt);
  if (now === null) found.push('No observation is in the lake.');
  if (champion === null) found.push('No model has earned its place yet, so there are no forecasts.');
  else if (forecast === null) found.push('There is a model, but no forecast.');
  else if (at - Date.parse(forecast.targetHour) >= FORECAST_LATE_MS) {
    found.push(`The newest forecast is for an hour that began ${ago(forecast.targetHour, generatedAt)}.`);
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

/** `index.html`: will it rain, how good are the forecasts, is all well. Called by `refreshPages`. */
export function indexPage({ generatedAt, places }: IndexContent): string {
  const troubled = places.filter((place) => concerns(place, generatedAt).length > 0);
  return renderPage(
    'Garoa: will it rain in the next hour?',
    <>
      <header>
        <h1>Will it rain in the next hour?</h1>
        <p class="muted">
          {count(places.length, 'place')} · page made {utcTime(generatedAt)}
        </p>
        <p>
          {troubled.length === 0 ? (
            <span class="status ok">✓ All is well</span>
          ) : (
            <span class="status attention">
              ! {count(troubled.length, 'place needs', 'places need')} attention
            </span>
          )}
        </p>
      </header>
      <main>
        <h2>Places</h2>
        <ul class="places">
          {places.map((place) => (
            <Place key={place.location.id} place={place} generatedAt={generatedAt} />
          ))}
        </ul>
        <h2>How to read this</h2>
        <p>
          The large number is the probability of rain in the hour named beside it; “rain” or “no rain” is the
          forecast at the model's own threshold. Skill compares the forecasts with persistence (“it goes on as
          it is”): 0% is no better, 100% is perfect. The line shows it day by day, dashed at 0%.
        </p>
        <h2>All figures</h2>
        <Table
          caption="Verified forecasts of the last 30 days, as the table forecast_verification keeps them"
          head={[
            'Place',
            'Verified hours',
            'Brier',
            'Persistence',
            'Skill',
            'Hits',
            'Misses',
            'False alarms',
          ]}
          rows={places.map(({ location, month }) =>
            month === null
              ? [location.name, 0, MISSING, MISSING, MISSING, MISSING, MISSING, MISSING]
              : [
                  location.name,
                  month.hours,
                  decimal(month.brier, 4),
                  decimal(month.persistenceBrier, 4),
                  percent(month.skill),
                  month.hits,
                  month.misses,
                  month.falseAlarms,
                ],
          )}
        />
        <p class="muted">
          Sources: <code>latest.json</code> and <code>champion.json</code> in the models bucket; the tables{' '}
          <code>hourly_observations</code>, <code>forecasts</code> and <code>forecast_verification</code>.
        </p>
      </main>
    </>,
  );
}

function Place({ place, generatedAt }: { readonly place: PlaceOverview; readonly generatedAt: string }) {
  const { location, champion } = place;
  const problems = concerns(place, generatedAt);
  const skill = skillInWords(place);
  return (
    <li class="place">
      <h3>
        {champion === null ? (
          location.name
        ) : (
          <a href={`${location.id}/${champion.version}/report.html`}>{location.name}</a>
        )}
      </h3>
      <Verdict place={place} />
      {problems.map((problem) => (
        <p key={problem} class="attention">
          ! {problem}
        </p>
      ))}
      <dl class="facts">
        <dt>Last hour</dt>
        <dd>{nowInWords(place)}</dd>
        <dt>Skill, 30 days</dt>
        <dd>
          {skill}{' '}
          {place.dailySkill.some((value) => value !== null) && (
            <span
              dangerouslySetInnerHTML={{ __html: sparkline(place.dailySkill, `Daily skill: ${skill}`) }}
            />
          )}
        </dd>
        <dt>Champion</dt>
        <dd>
          {champion === null ? 'none yet' : `${champion.version}, since ${ago(champion.since, generatedAt)}`}
        </dd>
        <dt>Last retraining</dt>
        <dd>
          {place.lastRun === null
            ? 'none yet'
            : `${place.lastRun.outcome} (${localTime(place.lastRun.asOf, location.timezone)})`}
        </dd>
        <dt>Missing hours</dt>
        <dd>
          {place.gaps.missing} of the last {place.gaps.expected}
        </dd>
      </dl>
    </li>
  );
}

function Verdict({ place: { forecast, location } }: { readonly place: PlaceOverview }) {
  if (forecast === null) {
    return (
      <p class="verdict">
        <span class="probability muted">?</span> <span>no forecast</span>
      </p>
    );
  }
  const from = localHour(forecast.targetHour, location.timezone);
  const to = localHour(Date.parse(forecast.targetHour) + HOUR_MS, location.timezone);
  return (
    <p class="verdict">
      <span class={forecast.willRain ? 'probability rain' : 'probability'}>
        {percent(forecast.probability)}
      </span>
      <span>
        <strong>{forecast.willRain ? '☂ rain' : 'no rain'}</strong> from {from} to {to}
        <span class="muted"> local time</span>
      </span>
    </p>
  );
}

function nowInWords({ now, location }: PlaceOverview): string {
  if (now === null) return 'no observation';
  const rain =
    now.rained === null ? 'rain not known' : now.rained ? `rain, ${decimal(now.precipMm, 1)} mm` : 'dry';
  const temperature = now.tempC === null ? '' : `, ${now.tempC.toFixed(1)} °C`;
  return `${rain}${temperature} (${localHour(now.hour, location.timezone)})`;
}

function skillInWords({ month }: PlaceOverview): string {
  if (month === null || month.hours === 0) return 'nothing verified yet';
  if (month.skill === null) return `not known: no rain in ${count(month.hours, 'verified hour')}`;
  return `${percent(month.skill)} over ${count(month.hours, 'hour')}`;
}
