import { ELSEWHERE, type Item, total, type Use } from './estimate';
import type { Measured } from './measured';
import { PRICES_OF } from './prices';

/** The bill of one number of places. */
export interface Column {
  readonly places: number;
  readonly items: readonly Item[];
  /** Calls to the provider in a month, and the smallest plan that holds them. */
  readonly calls: number;
  readonly plan: string;
}

/** The numbers of places that the table is for. */
export const PLACES: readonly number[] = [1, 10, 100, 1_000];

/** The numbers of places that the table of use is for. */
export const PLACES_OF_USE: readonly number[] = [1, 100, 1_000, 5_000];

/** What runs use for one number of places. */
export interface UseColumn {
  readonly places: number;
  readonly hourly: Use;
  readonly day: Use;
  readonly retraining: Use;
}

/** First line of `npm run cost`: the first column is the default configuration's. */
export function headline([first]: readonly Column[]): string {
  return `Default configuration: ${usd(total(first?.items ?? []))} a month in us-east-1, list prices of ${PRICES_OF} before free tiers.`;
}

/** What stands in the README between its marks. */
export function costSection(columns: readonly Column[], { date, historyDays }: Measured): string {
  const measured = `Measured on ${date}, with ${historyDays} days of history a place.`;
  return `${headline(columns)}\n\n${costTable(columns)}\n\n${measured}`;
}

const SECTION = /<!-- cost -->\n[\s\S]*?\n<!-- \/cost -->/;

/** @throws Error when the page has no place for it. */
export function withCostSection(page: string, section: string): string {
  if (!SECTION.test(page)) throw new Error('The page has no <!-- cost --> … <!-- /cost -->');
  return page.replace(SECTION, () => `<!-- cost -->\n${section}\n<!-- /cost -->`);
}

/** A Markdown table: what an hourly run, a day and a retraining of all places use. */
export function useTable(columns: readonly UseColumn[]): string {
  const figures: readonly (readonly [string, (use: Use) => string])[] = [
    ['requests to S3', ({ requests }) => count(Math.round(requests))],
    ['queries', ({ statements }) => count(Math.round(statements))],
    ['MB that Athena bills', ({ athenaBytes }) => count(Math.round(athenaBytes / 1e6))],
    ['events', ({ events }) => count(Math.round(events))],
    ['by use', ({ usd: price }) => `$${price.toPrecision(2)}`],
  ];
  const runs: readonly (readonly [string, (column: UseColumn) => Use])[] = [
    ['An hourly run', ({ hourly }) => hourly],
    ['A day, polled each minute', ({ day }) => day],
    ['A retraining', ({ retraining }) => retraining],
  ];
  return [
    line('', columns.map(placesOf)),
    line(
      '---',
      columns.map(() => '---:'),
    ),
    ...runs.flatMap(([run, of]) =>
      figures.map(([figure, shown]) =>
        line(
          `${run}: ${figure}`,
          columns.map((column) => shown(of(column))),
        ),
      ),
    ),
  ].join('\n');
}

/** A Markdown table: services down, numbers of places across; below it the provider and what others rent. */
export function costTable(columns: readonly Column[]): string {
  const names = columns[0]?.items.map(({ name }) => name) ?? [];
  return [
    line('USD a month', columns.map(placesOf)),
    line(
      '---',
      columns.map(() => '---:'),
    ),
    ...names.map((name, index) =>
      line(
        name,
        columns.map(({ items }) => usd(items[index]?.usd ?? 0)),
      ),
    ),
    line(
      '**Together**',
      columns.map(({ items }) => `**${usd(total(items))}**`),
    ),
    line(
      'Provider, apart: calls',
      columns.map(({ calls }) => count(Math.round(calls))),
    ),
    line(
      'Provider, apart: plan',
      columns.map(({ plan }) => plan),
    ),
    ...ELSEWHERE.map(({ name, usd: price }) =>
      line(
        name,
        columns.map(() => usd(price)),
      ),
    ),
  ].join('\n');
}

function line(name: string, cells: readonly string[]): string {
  return `| ${[name, ...cells].join(' | ')} |`;
}

function placesOf({ places }: { readonly places: number }): string {
  return `${count(places)} ${places === 1 ? 'place' : 'places'}`;
}

function usd(value: number): string {
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
