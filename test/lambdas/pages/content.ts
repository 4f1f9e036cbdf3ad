import type { Agreement } from '../../../lambdas/lake/agreement';
import { evaluate } from '../../../lambdas/model/evaluation';
import type { ModelMetrics } from '../../../lambdas/model/metrics-file';
import type { ChampionEntry } from '../../../lambdas/model/registry';
import type { PlaceOverview } from '../../../lambdas/pages/index-page';
import type { PlacePageContent, TestedVersion } from '../../../lambdas/pages/place-page';
import type { RecentHour } from '../../../lambdas/pages/recent';
import type { TestForecast } from '../../../lambdas/pages/test-curves';
import { HOUR_MS } from '../../../lambdas/runtime/time';
import { type Location, locationSchema } from '../../../lambdas/weather/location';

/** Content of pages as the pipeline would gather it, small and computed by the real measures. */

export const GENERATED_AT = '2013-12-03T00:05:00Z';
const CLOSED_BEFORE = Date.parse('2013-12-03T00:00:00Z');
const VERSION = '20131201T000000Z-0123abcd';

export const aLocation = (overrides: Partial<Location> = {}): Location =>
  locationSchema.parse({ id: 'jfk', name: 'JFK', query: 'jfk', timezone: 'America/New_York', ...overrides });

export const aChampion = (overrides: Partial<ChampionEntry> = {}): ChampionEntry => ({
  version: VERSION,
  since: '2013-12-01T00:00:00Z',
  told: { outcome: 'promoted', reason: 'There is no champion whose recipe could be fitted.' },
  ...overrides,
});

/** Forecasts of 60 days: every fifth hour wet, probabilities mostly right. */
export const testForecasts: readonly TestForecast[] = Array.from({ length: 1440 }, (_, i) => {
  const outcome = i % 5 === 0 ? 1 : 0;
  return {
    hour: Date.parse('2013-10-01T00:00:00Z') + i * HOUR_MS,
    probability: ((outcome === 1 ? 60 : 5) + ((i * 7) % 35)) / 100,
    outcome,
    persistenceProbability: i % 97 === 0 ? null : i % 3 === 0 ? 0.4 : 0.1,
  };
});

export function aPlacePage(overrides: Partial<PlacePageContent> = {}): PlacePageContent {
  return {
    location: aLocation(),
    generatedAt: GENERATED_AT,
    recent: recentHours(),
    dailySkill: [null, null, 0.2, -0.1, 0.4].map((skill, i) => ({ date: `2013-11-${26 + i}`, skill })),
    month: aMonth(),
    agreement: anAgreement(),
    champions: [aChampion()],
    silencedSince: null,
    tested: aTest(),
    notes: [],
    ...overrides,
  };
}

/** Of 700 hours: polls lack a rain hour in five, and are warm by half a degree. */
export function anAgreement(source = 'weatherapi'): Agreement[] {
  const of = (measurement: string, bias: number, spread: number): Agreement => ({
    location_id: 'jfk',
    source,
    measurement,
    hours: 700,
    difference_sum: 700 * bias,
    squared_difference_sum: 700 * (spread ** 2 + bias ** 2),
    both_wet: 0,
    only_known_wet: 0,
    only_true_wet: 0,
    both_dry: 0,
  });
  const rain = { both_wet: 40, only_known_wet: 6, only_true_wet: 10, both_dry: 644 };
  return [
    { ...of('precip_mm', -0.04, 0.3), ...rain },
    of('temp_c', 0.5, 1.25),
    of('humidity_pct', -30, 4),
    of('pressure_mb', 0, 0),
    of('wind_u_kph', 2.4, 6.1),
    of('visibility_km', -0.6, 2.2),
  ];
}

export const aTest = (overrides: Partial<TestedVersion> = {}): TestedVersion => ({
  metrics: metrics(),
  testForecasts,
  threshold: 0.45,
  ...overrides,
});

/** Fourteen days: a wet hour in six, forecasts for the last two days only, three hours missing. */
export function recentHours(): RecentHour[] {
  return Array.from({ length: 336 }, (_, i) => {
    const wet = i % 6 === 0;
    const missing = i >= 100 && i < 103;
    const issued = i >= 288;
    const probability = wet ? 0.7 : i % 31 === 0 ? 0.6 : 0.1;
    return {
      hour: CLOSED_BEFORE - (336 - i) * HOUR_MS,
      tempC: missing ? null : 8.3,
      precipMm: missing ? null : wet ? 1.5 : 0,
      rained: missing ? null : wet,
      probability: issued ? probability : null,
      willRain: issued ? probability >= 0.45 : null,
    };
  });
}

export const aMonth = (
  overrides: Partial<PlaceOverview['month']> = {},
): NonNullable<PlaceOverview['month']> => ({
  date: '2013-12-02',
  hours: 200,
  rainHours: 15,
  brier: 0.03,
  persistenceBrier: 0.04,
  comparedSquaredError: 6,
  persistenceSquaredError: 8,
  providerHours: 190,
  providerComparedSquaredError: 6,
  providerSquaredError: 6.6,
  skill: 0.25,
  hits: 12,
  misses: 3,
  falseAlarms: 4,
  ...overrides,
});

export const aPlace = (overrides: Partial<PlaceOverview> = {}): PlaceOverview => ({
  location: aLocation(),
  lastDay: Array.from({ length: 24 }, (_, i) => (i === 3 ? 1.5 : i === 4 ? 20 : 0)),
  newestHour: '2013-12-02T23:00:00Z',
  forecast: { targetHour: '2013-12-03T00:00:00Z', probability: 0.12, willRain: false },
  whyNoForecast: null,
  month: aMonth(),
  hasChampion: true,
  lastRun: { outcome: 'promoted', reason: 'It was better.' },
  ...overrides,
});

export const hostileName = `São "João" <script>alert('x')</script> & Filhos`;

/** A place before anything has happened. */
export const nothingYet = (): PlaceOverview =>
  aPlace({
    lastDay: Array.from({ length: 24 }, () => null),
    newestHour: null,
    forecast: null,
    month: null,
    hasChampion: false,
    lastRun: null,
  });

/** One of them with rain to come (100), one with a retraining that failed (200). */
export const manyPlaces = (length: number): PlaceOverview[] =>
  Array.from({ length }, (_, i) => {
    const { forecast, lastRun, ...place } = aPlace({
      location: aLocation({ id: `place-${i}`, name: `Place ${i}` }),
    });
    return {
      ...place,
      forecast: forecast && { ...forecast, willRain: i === 100 },
      lastRun: lastRun && (i === 200 ? { ...lastRun, outcome: 'failed' } : lastRun),
    };
  });

function metrics(): ModelMetrics {
  const outcomes = Uint8Array.from(testForecasts, ({ outcome }) => outcome);
  const probabilities = Float64Array.from(testForecasts, ({ probability }) => probability);
  const wetNow = Float64Array.from(testForecasts, (_, i) => (i % 4 === 0 ? 1 : 0));
  const evaluation = evaluate(outcomes, probabilities, wetNow, 0.45);
  const flat = evaluate(outcomes, new Float64Array(outcomes.length).fill(0.2), wetNow, 0.45);
  const overPersistence = { improvement: 0.012, lower: 0.004, upper: 0.02, blocks: 9 };
  const compared = { ...overPersistence, brier: 0.05, verdict: 'better' } as const;
  const span = {
    from: '2013-10-01T00:00:00Z',
    to: '2013-11-29T23:00:00Z',
    hours: evaluation.hours,
    rainHours: evaluation.rainHours,
  };
  const recipe: ModelMetrics['recipe'] = {
    featureGroups: ['state', 'rain'],
    windowRows: 5000,
    kernel: 'rbf',
    members: [{ c: 1, gammaScale: 0.5, positiveWeight: 3 }],
    linear: null,
    calibration: 'logistic',
    solver: 'smo',
  };
  const { reliability, confusion, ...rest } = evaluation;
  const { reliability: flatReliability, confusion: flatConfusion, ...flatRest } = flat;
  const stored = { ...rest, ...tables(reliability, confusion) };
  const storedFlat = { ...flatRest, ...tables(flatReliability, flatConfusion) };
  return {
    schemaVersion: 2,
    version: VERSION,
    location: 'jfk',
    run: 'run-1',
    asOf: '2013-12-01T00:00:00Z',
    decision: 'promote',
    winner: 'challenger',
    reasons: ['There is no champion whose recipe could be fitted.'],
    recipe,
    trainingSet: {
      ...span,
      fingerprint: 'f00d',
      polledHours: 120,
      passedOver: { otherThreshold: 0, oldShape: 0 },
    },
    development: span,
    series: { ...span, weeks: 9, episodes: 20, brier: 0.038 },
    test: { ...stored, ...span },
    embargoHours: 25,
    overPersistence,
    persistence: storedFlat,
    climatology: storedFlat,
    logisticRegression: storedFlat,
    plainSvc: null,
    provider: storedFlat,
    plain: null,
    joining: null,
    comparisons: {
      persistence: compared,
      climatology: compared,
      logisticRegression: {
        ...compared,
        improvement: -0.0001,
        lower: -0.001,
        verdict: 'not worse by more than 3%',
      },
      plainSvc: null,
      provider: { ...compared, hours: 900, rainHours: 80, rawBrier: 0.061 },
    },
    challenger: { recipe, brier: 0.038 },
    champion: null,
    championReason: 'There is no champion yet.',
    candidates: [
      {
        status: 'scored',
        recipe,
        hours: 1000,
        averagePrecision: 0.7,
        onsetAveragePrecision: 0.2,
        brier: 0.04,
        logLoss: 0.15,
        baseline: false,
      },
      { status: 'refused', recipe, reason: 'the fit took too long' },
    ],
  };
}

/** Evaluations are read-only in the code and plain arrays in the file. */
function tables(
  reliability: ReturnType<typeof evaluate>['reliability'],
  [[tn, fp], [fn, tp]]: ReturnType<typeof evaluate>['confusion'],
) {
  return {
    reliability: reliability.map((bin) => ({ ...bin })),
    confusion: [
      [tn, fp],
      [fn, tp],
    ] satisfies ModelMetrics['test']['confusion'],
  };
}
