import * as z from 'zod';
import { fitScaled, logisticProbability, logisticSchema, smoothedTargets } from './logistic';
import { allFinite, fromColumns, type Matrix, selectLabels, selectRows, selectValues } from './matrix';

/**
 * The provider's own forecast of hour t + 1, as it stood when hour t closed: the rival that every model is held against,
 * and what the joined calibration knows besides the members.
 */
export interface ProviderForecasts {
  /** Of rain in hour t + 1, 0 to 1; NaN where there is no forecast. */
  readonly probability: Float64Array;
  /** Of hour t + 1, mm; NaN where there is no forecast. */
  readonly precipMm: Float64Array;
  /** Whether that amount counts as rain: 1 or 0, NaN where it is not known. */
  readonly reaches: Float64Array;
  /** Known rain of hour t less what had been forecast of it, mm; NaN where either is missing. */
  readonly errorMm: Float64Array;
}

/** Hours after which a forecast that says the same again and again counts as missing. */
const STUCK_HOURS = 12;

/** Columns of a feature row that are no features: whether polls told it, and the provider's forecast. */
export const PROVIDER_COLUMNS = [
  'polled',
  'provider_probability',
  'provider_precip_mm',
  'provider_reaches',
  'provider_error_mm',
] as const;

/**
 * The columns' SQL, in the three relations of `featuresSql` that they pass through. A forecast is missing where it is
 * stuck: probability and amount have both stood at one value for twelve hours, one hour of which may have none. At 0 and
 * 100% weather may stand still; what sticks there loses its voice.
 * @param timeline of a location's hours, one row an hour.
 */
export function providerSql(timeline: string) {
  const same = (name: string) => {
    const over = `OVER (${timeline} ROWS BETWEEN ${STUCK_HOURS - 1} PRECEDING AND CURRENT ROW)`;
    return `min(${name}) ${over} = max(${name}) ${over}`;
  };
  const ago = (hours: number) => `lag(provider_probability, ${hours}) OVER (${timeline})`;
  const unlessStuck = (name: string) => `CASE WHEN NOT coalesce(is_stuck, false) THEN ${name} END AS ${name}`;
  return {
    observed: `CASE WHEN kind = 'settled' THEN 0 ELSE 1 END AS polled, provider_probability, provider_precip_mm,
    CASE WHEN provider_precip_mm >= rain_threshold_mm THEN 1 WHEN provider_precip_mm IS NOT NULL THEN 0 END AS provider_reaches`,
    dense: `observed.polled, observed.provider_probability, observed.provider_precip_mm, observed.provider_reaches,
    CASE WHEN observed.provider_probability IS NOT NULL THEN coalesce(observed.provider_precip_mm, -1e0) END AS provider_amount`,
    history: `precip_mm - lag(provider_precip_mm, 1) OVER (${timeline}) AS provider_error_mm,
    provider_probability > 0 AND provider_probability < 1 AND ${same('provider_probability')} AND ${same('provider_amount')}
      AND coalesce(${ago(STUCK_HOURS - 1)}, ${ago(STUCK_HOURS)}) = provider_probability AS is_stuck`,
    given: `polled, ${['provider_probability', 'provider_precip_mm', 'provider_reaches'].map(unlessStuck).join(', ')}, provider_error_mm`,
  } as const;
}

/** What a forecast says, in numbers that a logit is nearly linear in; the last is of the forecast before. */
export const FORECAST_TERMS = [
  'root probability',
  'log amount',
  'log amount where wet',
  'amount is rain',
  'error',
] as const;
export type Term = (typeof FORECAST_TERMS)[number];

/** Terms of each hour, one column each; NaN where the part that a term is made of is missing. */
export function termsOf(
  terms: readonly Term[],
  { probability, precipMm, reaches, errorMm }: ProviderForecasts,
  wetNow: Float64Array,
): Matrix {
  const columns: Record<Term, () => Float64Array> = {
    'root probability': () => probability.map(Math.sqrt),
    'log amount': () => precipMm.map(Math.log1p),
    'log amount where wet': () => precipMm.map((mm, i) => Math.log1p(mm) * (wetNow[i] === 1 ? 1 : 0)),
    'amount is rain': () => reaches,
    error: () => errorMm.map((mm) => Math.sign(mm) * Math.log1p(Math.abs(mm))),
  };
  const { columns: width, values } = fromColumns(terms.map((term) => columns[term]()));
  return { rows: probability.length, columns: width, values };
}

/** A part that fewer of the hours with any forecast have is one that the provider does not offer. */
const OFFERED_SHARE = 0.5;

/** The terms of the forecast itself that can be made of what the provider offers; none where it offers nothing. */
export function offeredTerms({ probability, precipMm }: ProviderForecasts): Term[] {
  const known = (values: Float64Array) => values.reduce((n, value) => n + (Number.isNaN(value) ? 0 : 1), 0);
  const [chances, amounts] = [known(probability), known(precipMm)];
  const enough = OFFERED_SHARE * Math.max(chances, amounts, 1);
  return FORECAST_TERMS.filter(
    (term) => term !== 'error' && (term === 'root probability' ? chances : amounts) >= enough,
  );
}

/** Rows all of whose terms are known. */
export function rowsWith({ rows, columns, values }: Matrix): Uint32Array {
  return Uint32Array.from({ length: columns === 0 ? 0 : rows }, (_, i) => i).filter((i) =>
    allFinite(values.subarray(i * columns, (i + 1) * columns)),
  );
}

/** Draws weights to moderate ones where few hours have forecasts; of inputs in standard deviations. */
const RIDGE = 1;

/** Hours with forecasts without which nothing is fitted to them: ten days. */
const MINIMUM_HOURS = 240;

/** What the provider's forecast has been worth at a place: a logistic regression on its terms. */
export const recalibrationSchema = z.strictObject({
  terms: z.array(z.enum(FORECAST_TERMS)).min(1),
  logistic: logisticSchema,
});
export type Recalibration = z.infer<typeof recalibrationSchema>;

/**
 * Fits the rival to some hours.
 * @returns undefined where fewer than ten days of them have forecasts, or all of these are of one class.
 */
export function fitRecalibration(
  forecasts: ProviderForecasts,
  outcomes: Uint8Array,
  wetNow: Float64Array,
): Recalibration | undefined {
  const terms = offeredTerms(forecasts);
  const all = termsOf(terms, forecasts, wetNow);
  const rows = rowsWith(all);
  const known = selectLabels(outcomes, rows);
  if (rows.length < MINIMUM_HOURS || !known.includes(0) || !known.includes(1)) return undefined;
  return { terms, logistic: fitScaled(selectRows(all, rows), smoothedTargets(known), RIDGE) };
}

/** The rival's probability of each hour; NaN where a term is missing. */
export function recalibrate(
  { terms, logistic }: Recalibration,
  forecasts: ProviderForecasts,
  wetNow: Float64Array,
): Float64Array {
  return logisticProbability(logistic, termsOf(terms, forecasts, wetNow));
}

/** Some hours of the forecasts, in the order given. */
export function forecastsAt(forecasts: ProviderForecasts, rows: ArrayLike<number>): ProviderForecasts {
  const at = (values: Float64Array) => selectValues(values, rows);
  return {
    probability: at(forecasts.probability),
    precipMm: at(forecasts.precipMm),
    reaches: at(forecasts.reaches),
    errorMm: at(forecasts.errorMm),
  };
}
