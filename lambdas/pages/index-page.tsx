import type { LocationResult } from '../model/metrics-file';
import { HOUR_MS } from '../runtime/time';
import type { Location } from '../weather/location';
import { renderPage } from './page';
import { SKILL_DAYS, type VerificationWindow } from './recent';
import { besideProvider, skillInWords, skillIsJudged } from './skill';
import { age, chance, count, decimal, localHour, MISSING, skillPercent, utcTime } from './words';

/** What the index says of one place, a few hundred bytes. Null is "there is none", and is said so. */
export interface PlaceOverview {
  readonly location: Location;
  /** Precipitation of the last 24 closed hours in mm, oldest first. */
  readonly lastDay: readonly (number | null)[];
  /** Newest closed hour of the last day that has an observation: its start, ISO 8601 UTC. */
  readonly newestHour: string | null;
  readonly forecast: {
    readonly targetHour: string;
    readonly probability: number;
    readonly willRain: boolean;
  } | null;
  /** Why the last hourly run made no forecast, if it said so. */
  readonly whyNoForecast: string | null;
  /** The newest 30-day window of `forecast_verification`. */
  readonly month: VerificationWindow | null;
  /** Whether a model of the place has been promoted. */
  readonly hasChampion: boolean;
  /** What the last retraining came to. */
  readonly lastRun: Pick<LocationResult, 'outcome' | 'reason'> | null;
}

export interface IndexContent {
  readonly generatedAt: string;
  readonly places: readonly PlaceOverview[];
  /** What could not be read, in sentences; the page goes without it. */
  readonly notes: readonly string[];
}

/** A forecast is made for the hour after each closed one; two hours later it has been missed. */
const FORECAST_LATE_MS = 2 * HOUR_MS;
/** The newest closed hour began an hour or two ago; two hours more are a disturbance that lasts. */
const OBSERVATION_LATE_MS = 4 * HOUR_MS;
/** Missing hours of the last 24 from which a person should look at ingestion. */
const GAPS_WORTH_A_LOOK = 3;

/** What needs a person's attention at a place; empty when all is well. */
export function concerns(place: PlaceOverview, generatedAt: string): string[] {
  const { hasChampion, forecast, whyNoForecast, month, lastDay, newestHour, lastRun } = place;
  const found: string[] = [];
  const at = Date.parse(generatedAt);
  if (newestHour === null) found.push('No observation of the last day is in the lake.');
  else if (at - Date.parse(newestHour) >= OBSERVATION_LATE_MS) {
    found.push(`The newest observed hour began ${age(newestHour, generatedAt)} ago.`);
  }
  if (!hasChampion) found.push('No model has earned its place yet, so there are no forecasts.');
  else if (forecast === null) {
    found.push(`There is a model, but no forecast: ${whyNoForecast ?? 'why is not known'}.`);
  } else if (isLate(forecast, generatedAt)) {
    found.push(`The newest forecast is for an hour that began ${age(forecast.targetHour, generatedAt)} ago.`);
  }
  if (month?.skill != null && month.skill < 0 && skillIsJudged(month)) {
    found.push('Over 30 days the forecasts were worse than persistence.');
  }
  const missing = lastDay.filter((precipMm) => precipMm === null).length;
  if (newestHour !== null && missing >= GAPS_WORTH_A_LOOK) {
    found.push(`${count(missing, 'hour')} of the last ${lastDay.length} have no observation.`);
  }
  if (lastRun?.outcome === 'failed') found.push(`The last retraining failed: ${lastRun.reason}`);
  return found;
}

interface Judged extends PlaceOverview {
  readonly problems: readonly string[];
  /** The forecast, unless its hour is long past. */
  readonly current: PlaceOverview['forecast'];
}

/** The index of all places: will it rain, how good are the forecasts, is all well. Called by `refreshIndex`. */
export function indexPage({ generatedAt, places, notes }: IndexContent): string {
  // What a reader has to know comes first: trouble, then rain, then the rest in the order of the configuration.
  const judged = places
    .map((place): Judged => {
      const current = place.forecast === null || isLate(place.forecast, generatedAt) ? null : place.forecast;
      return { ...place, problems: concerns(place, generatedAt), current };
    })
    .sort((a, b) => urgency(b) - urgency(a));
  const provider = besideProvider(
    places.flatMap(({ month }) => month ?? []),
    SKILL_DAYS,
  );
  return renderPage(
    'Garoa: will it rain in the next hour?',
    <>
      <header>
        <h1>Will it rain in the next hour?</h1>
        <p class="muted">
          {count(places.length, 'place')} · {hourInWords(judged)} · page made {utcTime(generatedAt)}, and anew
          every hour: an older page means that the hourly runs have stopped
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
            {provider !== undefined && <p>{provider}.</p>}
          </section>
          <section>
            <h2>Is all well?</h2>
            <WellBeing places={judged} notes={notes} />
          </section>
        </div>
        <h2>Places</h2>
        <form class="tools" id="tools" hidden>
          <label>
            Search <input type="search" id="search" />
          </label>{' '}
          <label>
            Show{' '}
            <select id="show">
              <option value="">all</option>
              <option value="x">needs attention</option>
              <option value="r">rain</option>
              <option value="n">no forecast</option>
            </select>
          </label>{' '}
          <output id="shown" />
        </form>
        <table class="index" id="places">
          <thead>
            <tr>
              <th scope="col">Place</th>
              <th scope="col">Next hour</th>
              <th scope="col">Rain, last 24 h</th>
              <th scope="col">Skill, 30 d</th>
            </tr>
          </thead>
          <tbody>
            {judged.map((place) => (
              <Row key={place.location.id} place={place} />
            ))}
          </tbody>
        </table>
        <h2>How to read this</h2>
        <p>
          “Next hour” is the probability of rain in the hour named at the top; ☂ marks those that reach the
          model's own threshold. Each sign of the last 24 hours is an hour, the newest on the right: ▁ to █
          more and more rain, · dry, ? not observed. The Brier score is the mean squared error of the
          probabilities: 0 is perfect. Skill compares it with persistence (“it goes on as it is”): 0% is no
          better, 100% is perfect, below 0% is worse. A place's page says more.
        </p>
        <footer class="muted">
          <p>
            Sources: <code>latest.json</code> and <code>champions.json</code> in the models bucket; the tables{' '}
            <code>hourly_observations</code> and <code>forecast_verification</code>.
          </p>
        </footer>
      </main>
      <script dangerouslySetInnerHTML={{ __html: SCRIPT }} />
    </>,
  );
}

/** `index.html` at the top of the bucket: leads to the index wherever the folder lies. */
export function redirectPage(target: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=${target}">
<link rel="icon" href="data:,">
<title>Garoa: will it rain in the next hour?</title>
<p><a href="${target}">Will it rain in the next hour?</a></p>
</html>
`;
}

function isLate({ targetHour }: { readonly targetHour: string }, generatedAt: string): boolean {
  return Date.parse(generatedAt) - Date.parse(targetHour) >= FORECAST_LATE_MS;
}

function urgency({ problems, current }: Judged): number {
  return (problems.length > 0 ? 2 : 0) + (current?.willRain === true ? 1 : 0);
}

/** The hour that the forecasts speak of: in the places' own time where they share one. */
function hourInWords(places: readonly Judged[]): string {
  const target = places.find(({ current }) => current !== null)?.current?.targetHour;
  if (target === undefined) return 'no forecast is in force';
  const end = Date.parse(target) + HOUR_MS;
  const zones = new Set(places.map(({ location }) => location.timezone));
  const [zone] = zones;
  const utc = `${utcTime(target)} to ${utcTime(end).slice(11)}`;
  return zones.size === 1 && zone !== undefined && zone !== 'UTC'
    ? `the hour from ${localHour(target, zone)} to ${localHour(end, zone)}, ${zone} (${utc})`
    : `the hour from ${utc}`;
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

/** Verified forecasts of all places together. */
function qualityInWords(places: readonly PlaceOverview[]): string {
  const months = places.flatMap(({ month }) => month ?? []);
  const sum = (of: (month: VerificationWindow) => number) =>
    months.reduce((total, month) => total + of(month), 0);
  const hours = sum((month) => month.hours);
  const rainHours = sum((month) => month.rainHours);
  const persistence = sum((month) => month.persistenceSquaredError);
  if (hours === 0) return 'Too early to say: no forecast of the last 30 days has been verified.';
  if (!skillIsJudged({ hours, rainHours }) || persistence === 0) {
    return `Too early to say: ${count(hours, 'verified hour')} in 30 days, ${rainHours} of them with rain.`;
  }
  const skill = 1 - sum((month) => month.comparedSquaredError) / persistence;
  const falseAlarms = sum((month) => month.falseAlarms);
  const hits = sum((month) => month.hits).toLocaleString('en');
  return (
    `Over 30 days, skill against persistence ${skillPercent(skill)} in ${count(hours, 'verified hour')}. ` +
    `Of ${count(rainHours, 'rain hour')}, rain was forecast for ${hits}; ${count(falseAlarms, 'false alarm')}.`
  );
}

const NAMES_SHOWN = 5;

function named(places: readonly Judged[]): string {
  const names = places.slice(0, NAMES_SHOWN).map(({ location }) => location.name);
  const more = places.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

function WellBeing({
  places,
  notes,
}: {
  readonly places: readonly Judged[];
  readonly notes: readonly string[];
}) {
  const troubled = places.filter(({ problems }) => problems.length > 0);
  return (
    <>
      <p>
        {troubled.length === 0 && notes.length === 0 ? (
          <span class="status ok">✓ All is well</span>
        ) : troubled.length === 0 ? (
          <span class="status attention">! Something stored could not be read</span>
        ) : (
          <>
            <span class="status attention">
              ! {count(troubled.length, 'place needs', 'places need')} attention
            </span>{' '}
            {named(troubled)}
          </>
        )}
      </p>
      {notes.map((note) => (
        <p key={note} class="attention">
          ! {note}
        </p>
      ))}
    </>
  );
}

/** A few hundred bytes: five thousand of them make one page. */
function Row({ place: { location, problems, current, lastDay, month } }: { readonly place: Judged }) {
  const flags = [problems.length > 0 ? 'x' : '', current?.willRain ? 'r' : '', current === null ? 'n' : ''];
  const rain = rainOfDay(lastDay);
  return (
    <tr class={flags.join('') || undefined}>
      <th scope="row">
        <a href={`places/${location.id}.html`}>{location.name}</a>
        {problems.map((problem) => (
          <p key={problem}>! {problem}</p>
        ))}
      </th>
      <td>{current === null ? '–' : `${current.willRain ? '☂ ' : ''}${chance(current.probability)}`}</td>
      <td>
        <i role="img" aria-label={rain} title={rain}>
          {signsOf(lastDay)}
        </i>
      </td>
      <td>{skillInWords(month)}</td>
    </tr>
  );
}

const HEIGHTS = [...'▁▂▃▄▅▆▇█'];

/** One sign an hour. Heights follow the square root: drizzle is to be seen beside a downpour of 16 mm. */
function signsOf(day: readonly (number | null)[]): string {
  return day
    .map((mm) => {
      if (mm === null) return '?';
      if (mm === 0) return '·';
      return HEIGHTS[Math.min(HEIGHTS.length - 1, Math.floor(2 * Math.sqrt(mm)))];
    })
    .join('');
}

function rainOfDay(day: readonly (number | null)[]): string {
  const known = day.filter((mm) => mm !== null);
  if (known.length === 0) return MISSING;
  const total = known.reduce((sum, mm) => sum + mm, 0);
  const wet = known.filter((mm) => mm > 0).length;
  const unknown = day.length === known.length ? '' : `, ${day.length - known.length} h not known`;
  return total === 0 ? `dry${unknown}` : `${decimal(total, 1)} mm in ${wet} h${unknown}`;
}

/** Searches, filters and sorts the list. Without the script the list stands in the order that matters. */
const SCRIPT = `
(() => {
  const body = document.querySelector('#places tbody');
  const rows = [...body.rows];
  const search = document.getElementById('search');
  const show = document.getElementById('show');
  const shown = document.getElementById('shown');
  const names = new Map(rows.map((row) => [row, row.cells[0].textContent.toLowerCase()]));
  const update = () => {
    const wanted = search.value.trim().toLowerCase();
    let left = 0;
    for (const row of rows) {
      row.hidden = !names.get(row).includes(wanted) || !row.className.includes(show.value);
      if (!row.hidden) left += 1;
    }
    shown.textContent = left === rows.length ? '' : left + ' of ' + rows.length;
  };
  search.addEventListener('input', update);
  show.addEventListener('change', update);
  document.getElementById('tools').addEventListener('submit', (event) => event.preventDefault());
  document.getElementById('tools').hidden = false;
  const number = (text) => {
    const found = /-?[\\d.]+/.exec(text);
    return found === null ? -Infinity : Number(found[0]) - (text.includes('<') ? 0.5 : 0);
  };
  const valueOf = [
    (row) => names.get(row),
    (row) => number(row.cells[1].textContent),
    (row) => number(row.cells[2].firstElementChild.title),
    (row) => (row.cells[3].textContent.endsWith('%') ? number(row.cells[3].textContent) : -Infinity),
  ];
  [...document.querySelectorAll('#places thead th')].forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const first = column === 0 ? 'ascending' : 'descending';
      const second = column === 0 ? 'descending' : 'ascending';
      const order = head.getAttribute('aria-sort') === first ? second : first;
      for (const other of head.parentElement.cells) other.setAttribute('aria-sort', 'none');
      head.setAttribute('aria-sort', order);
      const values = new Map(rows.map((row) => [row, valueOf[column](row)]));
      const sign = order === 'ascending' ? 1 : -1;
      body.append(...[...rows].sort((a, b) => {
        const left = values.get(a);
        const right = values.get(b);
        return left === right ? 0 : left < right ? -sign : sign;
      }));
    });
  });
})();
`;
