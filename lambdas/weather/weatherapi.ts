import * as z from 'zod';
import { chunks } from '../runtime/chunks';
import { addHours, HOUR_MS, hourStart, utcSecond } from '../runtime/time';
import { requirePlace } from './answered-place';
import type { Question } from './exchange';
import { type HourForecast, hourForecast } from './hour-forecast';
import { localDateOf, localDatesOf, localHourOf, utcDaySeconds } from './local-dates';
import type { Location } from './location';
import type { Measured } from './observation';
import {
  nothingMeasured,
  type Outcome,
  type ProviderConnection,
  type ProviderDefinition,
  type Reading,
  type Told,
  type WeatherProvider,
} from './provider';
import { type FailureReason, ProviderError } from './provider-error';
import {
  epochSeconds,
  errorText,
  instantOfReading,
  isRefusal,
  type JsonObject,
  measurementReader,
  numeric,
  readReply,
  saidText,
} from './replies';

const jsonObject = z.record(z.string(), z.unknown());

const currentReply = z.looseObject({ current: z.looseObject({ last_updated_epoch: epochSeconds }) });

const hoursReply = z.object({
  forecast: z.object({ forecastday: z.array(z.object({ hour: z.array(z.unknown()) })) }),
});
const hourEntry = z.looseObject({ time_epoch: epochSeconds });

/** A reply that lacks the place, or has another shape, is no sign of a wrong place. */
const placeReply = z.object({
  location: z.object({
    name: z.string().optional().catch(undefined),
    country: z.string().optional().catch(undefined),
    lat: numeric.optional().catch(undefined),
    lon: numeric.optional().catch(undefined),
    tz_id: z.string().optional().catch(undefined),
  }),
});

const errorReply = z.object({
  error: z.looseObject({ code: numeric.optional().catch(undefined), message: saidText }),
});

/**
 * The provider's own error codes (https://www.weatherapi.com/docs/#intro-error-codes). They come with surprising
 * statuses, 200 included, so the code decides. One that is not here is judged by the status: 401 and 403 speak of the
 * key, 429 and 5xx pass, anything else will not get better.
 */
const REASONS: Readonly<Record<number, FailureReason>> = {
  1002: 'key', // no key given
  2006: 'key', // invalid key
  2008: 'key', // disabled key
  1008: 'not-in-plan', // history of that date
  2009: 'not-in-plan', // the resource
  2007: 'quota', // calls of the month used up
  1006: 'unknown-place',
  1007: 'day-not-available', // dt outside of what the API has
  1003: 'refused', // no place given
  1005: 'refused', // wrong address
  9999: 'unreachable', // "internal application error", although its status is 400
};

/** Condition codes (https://www.weatherapi.com/docs/conditions.json) whose words say that nothing falls. */
const DRY_CODES = new Set([1000, 1003, 1006, 1009, 1030, 1135, 1147]);
/** Those whose words say that something falls; "patchy rain nearby" (1063) and its like do not. */
const isWetCode = (code: number): boolean => (code >= 1150 && code <= 1264) || (code >= 1273 && code <= 1282);
const WET_MM = 0.1;

/** Locations whose history is under way at a time: enough to keep every connection busy, few enough to hold. */
const HISTORIES_AT_ONCE = 64;

/**
 * WeatherAPI.com.
 *
 * Limits: calls a month by plan, of which the free one covers two places at one poll a minute. Current conditions
 * are renewed every 10–15 minutes, so most polls repeat the last reading; the aggregation counts a reading once.
 * Bulk requests exist only from the Pro+ plan on and are not used. History is sold by the place's local day and
 * reaches back a few days on the free plan, further on others. It is provisional for a while that is not documented:
 * assumed are 24 hours after the end of the local day, which may have 25 hours.
 *
 * What a reading stands for: a poll within an hour and the history entry stamped with its start both are the
 * provider's value of that clock hour. In 25,019 recorded replies from all over the world the amount of rain is the
 * same at minutes 0, 15, 30 and 45 (0.164, 0.164, 0.168 and 0.159 mm; a test holds the table), so it does not grow
 * within the hour, and since 2023 it equals the running hour's entry of the same reply's forecast. The entry of the
 * next hour is therefore never looked at for this one. Words and amounts disagree in a tenth to a quarter of the
 * replies: the amount decides, the contradictions are counted.
 *
 * The next hour's forecast comes from `forecast.json`, which holds `current` as well: the hour's closing polls ask
 * there instead. `hour` restricts it to one hour of each local day. Once a day, in the closing poll of the local day's last
 * hour, it does not, and the reply lists the hours that are over as well: what a plan without history is left with.
 */
export const weatherapi: ProviderDefinition = {
  title: 'WeatherAPI.com',
  addresses: { api: 'https://api.weatherapi.com/v1' },
  needsKey: true,
  needsCoordinates: false,
  needsWholeHourZones: true,
  plans: [
    { id: 'free', name: 'Free', limits: [{ calls: 100_000, per: 'month' }] },
    { id: 'starter', name: 'Starter', limits: [{ calls: 3_000_000, per: 'month' }] },
    { id: 'pro-plus', name: 'Pro+', limits: [{ calls: 5_000_000, per: 'month' }] },
    { id: 'business', name: 'Business', limits: [{ calls: 10_000_000, per: 'month' }] },
  ],
  // A UTC day falls on two local dates.
  historyCallsPerDay: 2,
  // A later poll speaks of the next hour; an earlier one may be from before the last quarter.
  closingPoll: { minute: 56, of: 'hour' },
  settledAfterHours: 49,
  requestsAtOnce: 32,
  backfillDaysAtOnce: 4,
  connect,
};

function connect({ addresses, exchange }: ProviderConnection): WeatherProvider {
  const address = (path: string, location: Location, key: string, more: Record<string, string> = {}): URL => {
    const url = new URL(`${addresses.api}/${path}`);
    url.search = new URLSearchParams({ key, q: placeOf(location), aqi: 'no', ...more }).toString();
    return url;
  };

  /** @param target the hour whose forecast is wanted as well. */
  function question(location: Location, minute: string, target?: string): Question<Told> {
    const what = `current conditions of ${location.id}`;
    const query = target === undefined ? {} : forecastQuery(location, minute, target);
    return {
      what,
      address: (key) =>
        address(target === undefined ? 'current.json' : 'forecast.json', location, key, query),
      read: (body, repliedAt) => {
        const now = Math.max(Date.parse(minute), repliedAt ?? 0);
        const { current } = readReply(currentReply, body, what);
        requirePlace(location, placeIn(body), now, what);
        const observedAt = instantOfReading(current.last_updated_epoch, now, what);
        const taken = reading(current);
        if (nothingMeasured(taken.measured)) throw nothingIn(current, what);
        const told = { ...taken, observedAt, repliedAt };
        if (target === undefined) return { readings: [{ ...told, payload: body }] };
        const forecast = forecastIn(body, target);
        if (!endsLocalDay(location, minute, target)) {
          return { readings: [{ ...told, forecast, payload: body }] };
        }
        return {
          readings: [{ ...told, forecast, payload: withHourAlone(body, target) }],
          listed: listedIn(body, minute, repliedAt),
        };
      },
      refusal: (status, body) => refusal(what, status, body),
      // Without the forecast the observation can still be stored.
      ...(target !== undefined && { attempts: 2 }),
    };
  }

  async function currentReading(location: Location, minute: string): Promise<Told> {
    if (Number(minute.slice(14, 16)) >= weatherapi.closingPoll.minute) {
      try {
        return await exchange.ask(question(location, minute, addHours(hourStart(minute), 1)));
      } catch (error) {
        if (!(error instanceof ProviderError) || !FORECAST_ALONE_FAILS.has(error.reason)) throw error;
      }
    }
    return await exchange.ask(question(location, minute));
  }

  async function localDay(location: Location, date: string): Promise<Reading[]> {
    const what = `history of ${location.id} on ${date}`;
    return await exchange.ask({
      what,
      address: (key) => address('history.json', location, key, { dt: date }),
      read: (body, repliedAt) => {
        const entries = hoursIn(readReply(hoursReply, body, what));
        requirePlace(location, placeIn(body), Date.parse(date), what);
        return entries.map((part) => {
          const observedAt = instantOnDate(part.time_epoch, date, what);
          return { ...reading(part), observedAt, repliedAt, payload: part };
        });
      },
      refusal: (status, body) => refusal(what, status, body, 'the plan holds no history of it'),
    });
  }

  async function historyOf(location: Location, day: string): Promise<Reading[]> {
    const what = `history of ${location.id} on ${day}`;
    const { from, until } = utcDaySeconds(day);
    const dates = localDatesOf(day, location.timezone);
    const days = await Promise.all(dates.map((date) => unlessUnavailable(localDay(location, date))));
    const given = days.flatMap((one) => (one instanceof ProviderError ? [] : one));
    const ofDay = given.filter(({ observedAt }) => {
      const seconds = Date.parse(observedAt) / 1_000;
      return seconds >= from && seconds < until;
    });
    const readings = ofDay.filter(({ measured }) => !nothingMeasured(measured));
    const [first] = ofDay;
    if (readings.length > 0) return readings;
    if (first !== undefined) throw nothingIn(first.payload, what);
    const notInPlan = days.find((one) => one instanceof ProviderError && one.reason === 'not-in-plan');
    if (notInPlan instanceof ProviderError) throw notInPlan;
    throw new ProviderError('day-not-available', `${what}: ${weatherapi.title} has no readings of that day`);
  }

  return {
    settledAfterHours: weatherapi.settledAfterHours,

    current: (locations, minute) =>
      Promise.all(locations.map((location) => outcome(location, () => currentReading(location, minute)))),

    async *history(locations, day) {
      for (const part of chunks(locations, HISTORIES_AT_ONCE)) {
        yield* await Promise.all(
          part.map((location) =>
            outcome(location, async () => ({ readings: await historyOf(location, day) })),
          ),
        );
      }
    },
  };
}

/** Failures of `forecast.json` that say nothing about `current.json`. */
const FORECAST_ALONE_FAILS: ReadonlySet<FailureReason> = new Set([
  'not-in-plan',
  'refused',
  'malformed',
  'unreachable',
]);

/** A place's own name for the provider, else its coordinates. */
function placeOf({ query, latitude, longitude }: Location): string {
  return query ?? `${latitude},${longitude}`;
}

/**
 * Asks for the target hour alone: the one of that name today, and tomorrow where the target lies beyond midnight. The
 * poll that lists the day asks for all hours.
 */
function forecastQuery(location: Location, minute: string, target: string): Readonly<Record<string, string>> {
  const days = isOfNextDate(location, minute, target) ? '2' : '1';
  if (endsLocalDay(location, minute, target)) return { alerts: 'no', days };
  return { alerts: 'no', days, hour: localHourOf(target, location.timezone) };
}

function isOfNextDate({ timezone }: Location, minute: string, target: string): boolean {
  return localDateOf(minute, timezone) !== localDateOf(target, timezone);
}

/** Of the closing polls of a local day's last hour, the one that every cadence has. */
function endsLocalDay(location: Location, minute: string, target: string): boolean {
  return (
    Number(minute.slice(14, 16)) === weatherapi.closingPoll.minute && isOfNextDate(location, minute, target)
  );
}

/** A local day has 25 hours at most. */
const LONGEST_DAY_MS = 25 * HOUR_MS;

/** The reply as it is when it is asked for one hour: two whole days of each of a thousand places need too much memory. */
function withHourAlone(body: unknown, target: string): unknown {
  const hour = entriesIn(body).filter(({ time_epoch }) => time_epoch * 1_000 === Date.parse(target));
  return { ...jsonObject.parse(body), forecast: { forecastday: [{ hour }] } };
}

/** The day's hours that are over, each as the history entry of that time would be. */
function listedIn(body: unknown, minute: string, repliedAt: number | undefined): Reading[] {
  const end = Date.parse(hourStart(minute));
  return entriesIn(body).flatMap((entry) => {
    const start = entry.time_epoch * 1_000;
    const isOver = start >= end - LONGEST_DAY_MS && start + HOUR_MS <= end;
    return isOver ? [{ ...reading(entry), observedAt: utcSecond(start), repliedAt, payload: null }] : [];
  });
}

/** The entry stamped with the target hour's start; without it there is no forecast. */
function forecastIn(body: unknown, target: string): HourForecast | undefined {
  const entry = entriesIn(body).find(({ time_epoch }) => time_epoch * 1_000 === Date.parse(target));
  return entry && hourForecast(target, entry.chance_of_rain, entry.precip_mm);
}

/** Those of a reply that may lack them. */
function entriesIn(body: unknown) {
  const parsed = hoursReply.safeParse(body);
  return parsed.success ? hoursIn(parsed.data) : [];
}

/** The entries that say which hour they are of: one that does not costs the others nothing. */
function hoursIn({ forecast }: z.infer<typeof hoursReply>) {
  return forecast.forecastday.flatMap(({ hour }) =>
    hour.flatMap((entry) => hourEntry.safeParse(entry).data ?? []),
  );
}

function placeIn(body: unknown) {
  const parsed = placeReply.safeParse(body);
  if (!parsed.success) return {};
  const { name, country, lat, lon, tz_id } = parsed.data.location;
  return { name, country, latitude: lat, longitude: lon, timezone: tz_id };
}

/** Longer than the 14 hours that a zone may be from UTC, and the day itself. */
const NEAR_DATE_MS = 48 * HOUR_MS;

/** @throws ProviderError `malformed` for an entry of another date, as milliseconds taken for seconds are. */
function instantOnDate(epoch: number, date: string, what: string): string {
  if (Math.abs(epoch * 1_000 - Date.parse(date)) <= NEAR_DATE_MS) return utcSecond(epoch * 1_000);
  throw new ProviderError('malformed', `${what}: the entry's time ${epoch} is not of that date`);
}

function reading(part: JsonObject): Pick<Reading, 'measured' | 'drifted' | 'contradicts'> {
  const fields = measurementReader(part);
  const condition = jsonObject.safeParse(part.condition);
  const code = measurementReader(condition.data ?? {});
  const measured: Measured = {
    temp_c: fields.number('temp_c'),
    dewpoint_c: fields.number('dewpoint_c'),
    humidity_pct: fields.number('humidity'),
    pressure_mb: fields.number('pressure_mb'),
    wind_kph: fields.number('wind_kph'),
    wind_degree: fields.number('wind_degree'),
    gust_kph: fields.number('gust_kph'),
    precip_mm: fields.number('precip_mm'),
    cloud_pct: fields.number('cloud'),
    visibility_km: fields.number('vis_km'),
    uv: fields.number('uv'),
    condition_code: code.number('code'),
  };
  return { measured, drifted: fields.drifted() + code.drifted(), contradicts: contradicts(measured) };
}

function contradicts({ condition_code: code, precip_mm: amount }: Measured): boolean {
  if (code === null || amount === null) return false;
  return amount < WET_MM ? isWetCode(code) : DRY_CODES.has(code);
}

/** Plans may be set to answer chosen fields only; then those that are there help to find what is lacking. */
function nothingIn(part: unknown, what: string): ProviderError {
  const object = jsonObject.safeParse(part);
  const fields = Object.keys(object.data ?? {});
  if (['temp_c', 'precip_mm'].some((name) => fields.includes(name) && object.data?.[name] !== null)) {
    return new ProviderError('nothing-measured', `${what}: neither temp_c nor precip_mm is a number`);
  }
  const imperial = fields.includes('temp_f') || fields.includes('precip_in');
  const advice = imperial ? '; the account answers chosen fields only: add temp_c and precip_mm to them' : '';
  return new ProviderError('nothing-measured', `${what}: neither temp_c nor precip_mm is there${advice}`);
}

/** @param notInPlan how to say that the plan does not hold what was asked for. */
function refusal(
  what: string,
  status: number,
  body: unknown,
  notInPlan = 'the plan does not hold it',
): ProviderError | undefined {
  if (!isRefusal(status, body)) return undefined;
  const parsed = errorReply.safeParse(body);
  const answered = `${weatherapi.title} answered ${status}`;
  if (!parsed.success) {
    const said = errorText(body);
    return new ProviderError(statusReason(status), `${what}: ${answered}${said && ` (${said})`}`);
  }
  const { code, message } = parsed.data.error;
  const reason = (code !== undefined && REASONS[code]) || codelessReason(status);
  const plan = reason === 'not-in-plan' ? `${notInPlan}; ` : '';
  const said = `error ${code ?? 'without a code'}${message && `: ${message}`}`;
  return new ProviderError(reason, `${what}: ${plan}${answered} (${said})`);
}

/** The provider's own error, with a code that is not known here. */
function codelessReason(status: number): FailureReason {
  return status === 401 || status === 403 ? 'key' : statusReason(status);
}

/** Not the provider but something on the way to it: a page under 401 or 403 says nothing about the key. */
function statusReason(status: number): FailureReason {
  const passes = status === 401 || status === 403 || status === 408 || status === 429 || status >= 500;
  return passes ? 'unreachable' : 'refused';
}

/** The other local date of the day may still have its hours. */
async function unlessUnavailable(day: Promise<Reading[]>): Promise<Reading[] | ProviderError> {
  try {
    return await day;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.reason === 'day-not-available' || error.reason === 'not-in-plan') return error;
    throw error;
  }
}

async function outcome(location: Location, ask: () => Promise<Told>): Promise<Outcome> {
  try {
    return { location, ...(await ask()) };
  } catch (error) {
    if (error instanceof ProviderError) return { location, failure: error };
    throw error;
  }
}
