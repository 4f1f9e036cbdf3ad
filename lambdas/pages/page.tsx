import type { ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';

/** The frame that all pages share: one self-contained file that fetches nothing. */
export function renderPage(title: string, body: ComponentChildren): string {
  const html = renderToString(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href="data:," />
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>{body}</body>
    </html>,
  );
  return `<!doctype html>\n${html}\n`;
}

export interface FigureProps {
  readonly title: string;
  /** What the chart shows, in a sentence: its text alternative and its caption. */
  readonly summary: string;
  /** SVG made by `charts.ts`; several are stacked. */
  readonly charts: readonly string[];
  /** The chart's numbers, for those who read rather than look. */
  readonly table: TableProps;
  /** What the marks mean. */
  readonly legend?: readonly LegendEntry[];
  /**
   * Takes the whole width. On a phone it scrolls sideways, since shrinking would make it unreadable, and begins at
   * its right end: the newest hours.
   */
  readonly wide?: boolean;
}

export interface LegendEntry {
  readonly sign: 'area' | 'line' | 'dashes' | '▲' | '✕';
  /** CSS variable of the page that the chart draws with. */
  readonly color: `--${string}`;
  readonly text: string;
}

/** A chart with its legend, its caption and its numbers. */
export function Figure({ title, summary, charts, table, legend = [], wide = false }: FigureProps) {
  const drawings = charts.map((svg) => <div key={svg} dangerouslySetInnerHTML={{ __html: svg }} />);
  return (
    <figure class={wide ? 'wide' : ''}>
      <h3>{title}</h3>
      {wide ? (
        <Scrollable kind="chart" label={`${title}: chart`}>
          {drawings}
        </Scrollable>
      ) : (
        <div class="chart">{drawings}</div>
      )}
      {legend.length > 0 && (
        <ul class="legend">
          {legend.map(({ sign, color, text }) => (
            <li key={text}>
              <span
                aria-hidden="true"
                class={`sign ${sign.length > 1 ? sign : ''}`}
                style={{ color: `var(${color})` }}
              >
                {sign.length > 1 ? '' : sign}
              </span>
              {text}
            </li>
          ))}
        </ul>
      )}
      <figcaption>{summary}</figcaption>
      <details>
        <summary>The numbers of “{title}”</summary>
        <Table {...table} />
      </details>
    </figure>
  );
}

export interface TableProps {
  readonly caption: string;
  readonly head: readonly string[];
  /** First cell of each row is its header. */
  readonly rows: readonly (readonly ComponentChildren[])[];
  /** Cells are words: set from the left. Numbers are set from the right. */
  readonly words?: boolean;
}

export function Table({ caption, head, rows, words = false }: TableProps) {
  return (
    <Scrollable kind="scroll" label={caption}>
      <table class={words ? 'words' : ''}>
        <caption>
          <span>{caption}</span>
        </caption>
        <thead>
          <tr>
            {head.map((text) => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([first, ...others], row) => (
            // Rows are never reordered: the page is rendered once, to text.
            <tr key={row}>
              <th scope="row">{first}</th>
              {others.map((cell, place) => (
                <td key={place}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}

export interface MatrixProps {
  readonly title: string;
  readonly caption: string;
  /** Heads of the two columns. */
  readonly head: readonly [string, string];
  readonly rows: readonly {
    readonly head: string;
    readonly cells: readonly {
      readonly tint: `--${string}`;
      readonly hours: number;
      readonly what: string;
    }[];
  }[];
  /** What follows from it. */
  readonly children: ComponentChildren;
}

/** Hours by two yes/no questions. */
export function Matrix({ title, caption, head, rows, children }: MatrixProps) {
  return (
    <figure>
      <h3>{title}</h3>
      <table class="matrix">
        <caption>{caption}</caption>
        <thead>
          <tr>
            {['Hours', ...head].map((text) => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.head}>
              <th scope="row">{row.head}</th>
              {row.cells.map(({ tint, hours, what }) => (
                <td key={what} style={{ '--tint': `var(${tint})` }}>
                  <strong>{hours.toLocaleString('en')}</strong> {what}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <figcaption>{children}</figcaption>
    </figure>
  );
}

interface ScrollableProps {
  readonly kind: 'chart' | 'scroll';
  readonly label: string;
  readonly children: ComponentChildren;
}

/** What may be too wide for a phone, and scrolls sideways there. A group: so many landmarks would hide the others. */
function Scrollable({ kind, label, children }: ScrollableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus the keyboard could not scroll it
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" class={kind} tabIndex={0} aria-label={label}>
      {children}
    </div>
  );
}

const STYLE = `
:root {
  --paper: #fff; --panel: #f5f7fa; --ink: #16202c; --muted: #5b6875; --line: #d5dce4;
  --rain: #1f6fd6; --rain-pale: #cfe2fb; --dry: #a9b4c0; --gap: #e4e4e4; --forecast: #b3520a;
  --good: #1c7c4a; --miss: #b3261e; --false-alarm: #7b3fb5;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12181f; --panel: #1b232d; --ink: #e6ebf1; --muted: #9fadbb; --line: #35404c;
    --rain: #6aa9f4; --rain-pale: #24405f; --dry: #66727f; --gap: #2c3138; --forecast: #f2a35e;
    --good: #6fce9b; --miss: #ff8f84; --false-alarm: #c79bf2;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1.25rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .75rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
a { color: var(--rain); }
p { margin: .25rem 0; }
.muted, figcaption { color: var(--muted); font-size: .9rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; margin: 1rem 0; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 0 2rem; }
.answers h2 { margin-top: 1.25rem; }
figure { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 0; min-width: 0; }
.tools { margin: .75rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: baseline; }
.tools[hidden] { display: none; }
.tools input, .tools select { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: .3rem; padding: .15rem .4rem; max-width: 12rem; }
.index { width: 100%; max-width: 56rem; font-size: .95rem; }
.index th:first-child { overflow-wrap: anywhere; font-weight: 400; min-width: 6rem; }
.index th p { color: var(--miss); font-size: .85rem; }
.index thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; text-decoration: underline dotted; }
.index [aria-sort=ascending] button::after { content: " ▲"; }
.index [aria-sort=descending] button::after { content: " ▼"; }
.index i { font: .8rem/1.4 ui-monospace, monospace; color: var(--rain); white-space: nowrap; }
.index .r td:nth-child(2), .index .xr td:nth-child(2) { color: var(--rain); font-weight: 650; }
.index td:nth-child(2) { white-space: nowrap; }
.wide { grid-column: 1 / -1; }
.status { display: inline-block; border-radius: 1rem; padding: .1rem .7rem; font-weight: 600; border: 1px solid currentColor; }
.ok { color: var(--good); }
.attention { color: var(--miss); }
.facts { display: grid; grid-template-columns: auto 1fr; gap: .15rem .9rem; margin: .75rem 0 1rem; font-size: .92rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; min-width: 0; }
.facts svg { display: block; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0; list-style: none; }
.chart svg { display: block; max-width: 30rem; width: 100%; height: auto; }
.wide .chart { overflow-x: auto; direction: rtl; }
.wide .chart > div { direction: ltr; min-width: 44rem; }
.wide .chart svg { max-width: none; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; padding: 0; margin: .4rem 0; list-style: none; font-size: .85rem; }
.sign { display: inline-block; min-width: 1rem; margin-right: .35rem; text-align: center; font-weight: 700; }
.area { height: .8rem; background: currentColor; vertical-align: -.1rem; }
.line, .dashes { border-top: 3px solid currentColor; vertical-align: .25rem; }
.dashes { border-top: 2px dashed currentColor; }
.scroll { overflow-x: auto; }
details .scroll { max-height: 24rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); padding-bottom: .25rem; }
.scroll caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 5rem); }
th, td { text-align: right; padding: .2rem .7rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child, .words th, .words td { text-align: left; }
.words a { white-space: nowrap; }
.words th:first-child { min-width: 9rem; }
.words td:last-child, .recipe { min-width: 16rem; }
.recipe { display: block; font-weight: 400; }
.best { font-weight: 650; }
.spaced { margin-top: 1rem; }
thead th { border-bottom-width: 2px; vertical-align: bottom; }
.matrix { width: 100%; table-layout: fixed; font-size: .95rem; }
.matrix td { padding: .8rem; text-align: center; border: 2px solid var(--panel); background: color-mix(in srgb, var(--tint) 16%, transparent); }
.matrix thead th { text-align: center; }
.matrix tbody th { vertical-align: middle; }
.matrix strong { display: block; font-size: 1.5rem; }
summary { cursor: pointer; font-size: .9rem; color: var(--muted); margin-top: .5rem; }
:focus-visible { outline: 3px solid var(--forecast); outline-offset: 2px; }
@media (max-width: 34rem) {
  .words td:last-child, .recipe { min-width: 11rem; }
  .words th:first-child { min-width: 6.5rem; }
  .index th, .index td { padding-right: .4rem; }
  .index i { font-size: .5rem; letter-spacing: -.02em; }
}
@page { margin: 1.2cm; }
@media print {
  body { max-width: none; padding: 0; font-size: .85rem; print-color-adjust: exact; }
  h2, h3, caption, thead { break-after: avoid; }
  .answers { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  figure, tr { break-inside: avoid; }
  figure { background: none; }
  .tools { display: none; }
  .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .wide .chart > div { min-width: 0; }
  .chart, .scroll { overflow: visible; }
  .scroll table { width: 100%; font-size: .72rem; }
  .scroll th, .scroll td { padding-right: .35rem; overflow-wrap: anywhere; }
  .scroll th:first-child, .words td:last-child, .recipe { min-width: 0; }
  nav, figure details:not([open]) { display: none; }
}
`;
