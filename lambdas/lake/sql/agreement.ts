import { type HourlyObservationsQuery, hoursSql, STATE } from './hourly-observations';
import { sqlDouble } from './literals';

/** What is compared: the state of the air as history has it, and the rain. */
export const COMPARED = [...STATE, 'precip_mm'] as const;

/** Differences are summed in whole thousandths, exactly; one beyond this is no difference but a fault. */
const UNITS = 1000;
const WILD = '1e6';

/**
 * Known against settled, of hours that have both: one row for each day, place and provider with, for each of `COMPARED`,
 * `<name>_hours`, `<name>_units` and `<name>_squares` (known less settled, in thousandths), and the wet/dry confusion.
 */
export function agreementSql(query: HourlyObservationsQuery): string {
  const wet = (column: string) => `${column} >= ${sqlDouble(query.rainThresholdMm)}`;
  const [known, settled] = [wet('polled_precip_mm'), wet('settled_precip_mm')];
  const settledOf = (name: string) => (name === 'precip_mm' ? 'settled_precip_mm' : `history_${name}`);
  const units = (name: string) =>
    `CASE WHEN abs(polled_${name} - ${settledOf(name)}) < ${WILD} THEN CAST(round((polled_${name} - ${settledOf(name)}) * ${UNITS}) AS bigint) END AS ${name}_apart`;
  const sums = (name: string) =>
    `count(${name}_apart) AS ${name}_hours, sum(${name}_apart) AS ${name}_units, sum(${name}_apart * ${name}_apart) AS ${name}_squares`;
  return `${hoursSql(query)},
apart AS (
  SELECT location_id, source, substr(CAST(hour AS varchar), 1, 10) AS dt,
    ${COMPARED.map(units).join(',\n    ')},
    ${known} AS known_wet,
    ${settled} AS truly_wet
  FROM hours
  WHERE settled_at IS NOT NULL AND polled_temp_c IS NOT NULL AND polled_precip_mm IS NOT NULL
)
SELECT dt, location_id, source,
  ${COMPARED.map(sums).join(',\n  ')},
  count_if(known_wet AND truly_wet) AS both_wet,
  count_if(known_wet AND NOT truly_wet) AS only_known_wet,
  count_if(NOT known_wet AND truly_wet) AS only_true_wet,
  count_if(NOT known_wet AND NOT truly_wet) AS both_dry
FROM apart
GROUP BY dt, location_id, source
ORDER BY dt, location_id, source`;
}

/** What `<name>_units` are thousandths of. */
export function fromUnits(sum: number, power: 1 | 2): number {
  return sum / UNITS ** power;
}
