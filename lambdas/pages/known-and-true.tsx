import { type Agreement, biasOf, spreadOf } from '../lake/agreement';
import type { COMPARED } from '../lake/sql/agreement';
import { isProviderName, PROVIDERS } from '../weather/providers';
import { type Difference, differenceChart, differenceInWords } from './charts';
import { Figure, Matrix } from './page';
import { count, decimal, percent, signed } from './words';

/** Days that agreement is shown of. */
export const AGREEMENT_DAYS = 30;

/** How a measurement is shown: half of its row's width is a difference that nobody would overlook. */
const SHOWN: Readonly<
  Record<(typeof COMPARED)[number], Pick<Difference, 'label' | 'unit' | 'reach' | 'digits'>>
> = {
  precip_mm: { label: 'rain', unit: 'mm', reach: 1, digits: 2 },
  temp_c: { label: 'temperature', unit: '°C', reach: 4, digits: 1 },
  dewpoint_c: { label: 'dew point', unit: '°C', reach: 4, digits: 1 },
  humidity_pct: { label: 'humidity', unit: '%', reach: 20, digits: 1 },
  pressure_mb: { label: 'pressure', unit: 'mb', reach: 2, digits: 1 },
  wind_u_kph: { label: 'eastward wind', unit: 'km/h', reach: 15, digits: 1 },
  wind_v_kph: { label: 'northward wind', unit: 'km/h', reach: 15, digits: 1 },
  gust_kph: { label: 'gust', unit: 'km/h', reach: 20, digits: 1 },
  cloud_pct: { label: 'cloud', unit: '%', reach: 50, digits: 1 },
  visibility_km: { label: 'visibility', unit: 'km', reach: 8, digits: 1 },
  uv: { label: 'UV index', unit: '', reach: 2, digits: 1 },
};

/**
 * How far what polls told in time agrees with what settled history says of the same hours: models learn from the first
 * and are judged by the second. A place that changed its provider has a part for each.
 */
export function KnownAndTrue({ agreement }: { readonly agreement: readonly Agreement[] }) {
  const sources = [...new Set(agreement.map(({ source }) => source))];
  if (sources.length === 0) {
    return (
      <p>
        No hour of the last {AGREEMENT_DAYS} days has both polls and settled history, so that their agreement
        is not known.
      </p>
    );
  }
  return sources.map((source) => (
    <Agreed key={source} source={source} rows={agreement.filter((row) => row.source === source)} />
  ));
}

function Agreed({ source, rows }: { readonly source: string; readonly rows: readonly Agreement[] }) {
  const title = isProviderName(source) ? PROVIDERS[source].title : source;
  const rain = rows.find(({ measurement }) => measurement === 'precip_mm');
  const differences = Object.entries(SHOWN).flatMap(([measurement, shown]): Difference[] => {
    const row = rows.find((candidate) => candidate.measurement === measurement);
    const bias = row === undefined ? null : biasOf(row);
    const spread = row === undefined ? null : spreadOf(row);
    return row === undefined || bias === null || spread === null
      ? []
      : [{ ...shown, bias, spread, hours: row.hours }];
  });
  const summary =
    'What polls told in time less what settled history says: the dot is the mean, the bar one standard deviation to ' +
    'each side. Each row is drawn to a scale of its own, which its numbers name.';
  const told = differences
    .map((difference) => `${difference.label} ${differenceInWords(difference)}`)
    .join(', ');
  return (
    <>
      <p>
        {title}, last {AGREEMENT_DAYS} days: models learn from what was known when an hour closed, and are
        judged by what its settled history says.
      </p>
      <div class="grid">
        {rain !== undefined && <RainAgreed {...rain} />}
        <Figure
          title="Known less true"
          summary={summary}
          charts={[differenceChart(differences, `${summary} ${told}.`)]}
          table={{
            caption: 'Known less true, by measurement',
            head: ['Measurement', 'Hours', 'Mean', 'Spread', 'Row shows'],
            rows: differences.map(({ label, unit, bias, spread, reach, hours }) => [
              label,
              hours,
              `${signed(bias, 2)} ${unit}`,
              `${decimal(spread, 2)} ${unit}`,
              `±${reach} ${unit}`,
            ]),
          }}
        />
      </div>
    </>
  );
}

function RainAgreed(rain: Agreement) {
  const { both_wet, only_known_wet, only_true_wet, both_dry } = rain;
  const wet = both_wet + only_true_wet;
  const hours = both_wet + only_known_wet + only_true_wet + both_dry;
  return (
    <Matrix
      title="Rain or not"
      caption={`${count(hours, 'hour')} that were polled and are settled`}
      head={['Known: dry', 'Known: rain']}
      rows={[
        {
          head: 'Truly dry',
          cells: [
            { tint: '--good', hours: both_dry, what: 'dry in both' },
            { tint: '--false-alarm', hours: only_known_wet, what: 'rain only in polls' },
          ],
        },
        {
          head: 'Truly wet',
          cells: [
            { tint: '--miss', hours: only_true_wet, what: 'rain only in history' },
            { tint: '--good', hours: both_wet, what: 'rain in both' },
          ],
        },
      ]}
    >
      {wet === 0
        ? 'History has no rain hour among them.'
        : `Of ${count(wet, 'rain hour')}, ${both_wet} (${percent(both_wet / wet)}) were known as such when they closed.`}{' '}
      Alike in {percent((both_wet + both_dry) / hours, 1)} of all hours.
    </Matrix>
  );
}
