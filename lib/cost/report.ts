import { ELSEWHERE, type Item, total } from './estimate';
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

/** First line of `npm run cost`: the first column is the default configuration's. */
export function headline([first]: readonly Column[]): string {
  return `Default configuration: ${usd(total(first?.items ?? []))} a month in us-east-1, list prices of ${PRICES_OF} before free tiers.`;
}

/** What stands in the README between its marks. */
export function costSection(columns: readonly Column[], { date, historyDays }: Measured): string {
  const measured = `Measured on ${date}, with ${historyDays} days of history a place: retraining costs more with more.`;
  return `${headline(columns)}\n\n${costTable(columns)}\n\n${measured}`;
}

const SECTION = /<!-- cost -->\n[\s\S]*?\n<!-- \/cost -->/;

/** @throws Error when the page has no place for it. */
export function withCostSection(page: string, section: string): string {
  if (!SECTION.test(page)) throw new Error('The page has no <!-- cost --> … <!-- /cost -->');
  return page.replace(SECTION, () => `<!-- cost -->\n${section}\n<!-- /cost -->`);
}

/** A Markdown table: services down, numbers of places across; below it the provider and what others rent. */
export function costTable(columns: readonly Column[]): string {
  const names = columns[0]?.items.map(({ name }) => name) ?? [];
  const line = (name: string, cells: readonly string[]) => `| ${[name, ...cells].join(' | ')} |`;
  return [
    line(
      'USD a month',
      columns.map(({ places }) => `${count(places)} ${places === 1 ? 'place' : 'places'}`),
    ),
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

function usd(value: number): string {
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
