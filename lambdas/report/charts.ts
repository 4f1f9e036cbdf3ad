import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom/worker';

/**
 * Charts of the report pages as SVG text, drawn without a browser. Colours are the page's CSS variables, so one
 * picture serves light, dark and paper. Charts take plain rows and decide nothing: what is missing (null) leaves
 * a gap, and callers say in words what a chart shows.
 */

/** One hour of one place: what was forecast for it and what came. Null is "not known", never "no". */
export interface TimelineHour {
  /** Start of the hour, ms since the epoch. */
  readonly hour: number;
  readonly precipMm: number | null;
  readonly rained: boolean | null;
  readonly probability: number | null;
  readonly willRain: boolean | null;
}

export interface CurvePoint {
  readonly recall: number;
  readonly precision: number;
}

export interface ReliabilityPoint {
  /** Mean forecast and observed frequency of one bin. */
  readonly forecast: number;
  readonly observed: number;
  readonly hours: number;
}

/** Hours whose probability lies in [from, to), by what came. */
export interface ScoreBin {
  readonly from: number;
  readonly to: number;
  readonly dry: number;
  readonly wet: number;
}

/** Brier skill against persistence of one group of hours; null when it can't be told. */
export interface SkillBar {
  readonly label: string;
  readonly skill: number | null;
}

const HOUR_MS = 3_600_000;
const { document } = parseHTML('<!doctype html><html><body></body></html>');

const percent = (value: number) => `${Math.round(value * 100)}%`;

function draw(options: Plot.PlotOptions): string {
  return Plot.plot({
    document,
    style: { background: 'transparent', fontSize: '12px' },
    ...options,
  }).outerHTML;
}

/** Probability over time, wet hours shaded, misses and false alarms marked where the forecast was yes/no wrong. */
export function probabilityTimeline(
  hours: readonly TimelineHour[],
  threshold: number | null,
  summary: string,
): string {
  const wet = hours.filter(({ rained }) => rained === true);
  const misses = wet.filter(({ willRain }) => willRain === false);
  const falseAlarms = hours.filter(({ rained, willRain }) => rained === false && willRain === true);
  return draw({
    ariaLabel: summary,
    width: 860,
    height: 230,
    marginLeft: 44,
    x: { type: 'utc', label: null, domain: timeDomain(hours) },
    y: { domain: [0, 1], label: 'probability of rain', tickFormat: percent, ticks: 5, grid: true },
    marks: [
      Plot.rect(wet, {
        x1: ({ hour }: TimelineHour) => new Date(hour),
        x2: ({ hour }: TimelineHour) => new Date(hour + HOUR_MS),
        y1: 0,
        y2: 1,
        fill: 'var(--rain-pale)',
      }),
      ...(threshold === null
        ? []
        : [Plot.ruleY([threshold], { stroke: 'var(--muted)', strokeDasharray: '4,3' })]),
      Plot.lineY(hours, {
        x: middle,
        y: ({ probability }: TimelineHour) => probability ?? Number.NaN,
        stroke: 'var(--forecast)',
        strokeWidth: 1.6,
      }),
      Plot.dot(misses, {
        x: middle,
        y: ({ probability }: TimelineHour) => probability ?? Number.NaN,
        symbol: 'triangle',
        r: 4.5,
        fill: 'var(--miss)',
      }),
      Plot.dot(falseAlarms, {
        x: middle,
        y: ({ probability }: TimelineHour) => probability ?? Number.NaN,
        symbol: 'times',
        r: 4.5,
        stroke: 'var(--false-alarm)',
        strokeWidth: 2,
      }),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
    ],
  });
}

/** Rain of each hour as bars, hours without an observation hatched out below the axis. */
export function rainTimeline(hours: readonly TimelineHour[], summary: string): string {
  const unknown = hours.filter(({ precipMm }) => precipMm === null);
  const highest = hours.reduce((most, { precipMm }) => Math.max(most, precipMm ?? 0), 0);
  const top = Math.max(highest, 1);
  return draw({
    ariaLabel: summary,
    width: 860,
    height: 130,
    marginLeft: 44,
    x: { type: 'utc', label: null, domain: timeDomain(hours) },
    y: { domain: [0, top], label: 'rain, mm in the hour', ticks: 3, grid: true },
    marks: [
      Plot.rect(unknown, {
        x1: ({ hour }: TimelineHour) => new Date(hour),
        x2: ({ hour }: TimelineHour) => new Date(hour + HOUR_MS),
        y1: 0,
        y2: top,
        fill: 'var(--gap)',
      }),
      Plot.rect(
        hours.filter(({ precipMm }) => precipMm !== null && precipMm > 0),
        {
          x1: ({ hour }: TimelineHour) => new Date(hour),
          x2: ({ hour }: TimelineHour) => new Date(hour + HOUR_MS),
          y1: 0,
          y2: ({ precipMm }: TimelineHour) => precipMm ?? 0,
          fill: 'var(--rain)',
        },
      ),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
    ],
  });
}

/** Precision against recall with the point that the model's threshold chose and the share of rain hours. */
export function precisionRecallChart(
  curve: readonly CurvePoint[],
  chosen: CurvePoint,
  baseRate: number,
  summary: string,
): string {
  return draw({
    ariaLabel: summary,
    ...SQUARE,
    x: {
      domain: [0, 1],
      label: 'recall: share of the rain hours that were forecast',
      tickFormat: percent,
      ticks: 5,
    },
    y: {
      domain: [0, 1],
      label: 'precision: share of the rain forecasts that came true',
      tickFormat: percent,
      ticks: 5,
      grid: true,
    },
    marks: [
      Plot.ruleY([baseRate], { stroke: 'var(--muted)', strokeDasharray: '4,3' }),
      Plot.line(curve, {
        x: 'recall',
        y: 'precision',
        stroke: 'var(--forecast)',
        strokeWidth: 2,
        curve: 'step-before',
      }),
      Plot.dot([chosen], {
        x: 'recall',
        y: 'precision',
        r: 5,
        fill: 'var(--forecast)',
        stroke: 'var(--paper)',
      }),
    ],
  });
}

/** Observed frequency against forecast probability; dots on the diagonal are honest probabilities. */
export function reliabilityChart(bins: readonly ReliabilityPoint[], summary: string): string {
  return draw({
    ariaLabel: summary,
    ...SQUARE,
    x: { domain: [0, 1], label: 'forecast probability', tickFormat: percent, ticks: 5 },
    y: { domain: [0, 1], label: 'how often it rained', tickFormat: percent, ticks: 5, grid: true },
    r: { range: [0, 12], domain: [0, Math.max(1, ...bins.map(({ hours }) => hours))] },
    marks: [
      Plot.link([{ from: 0, to: 1 }], {
        x1: 'from',
        y1: 'from',
        x2: 'to',
        y2: 'to',
        stroke: 'var(--muted)',
        strokeDasharray: '4,3',
      }),
      Plot.line(bins, { x: 'forecast', y: 'observed', stroke: 'var(--forecast)' }),
      Plot.dot(bins, { x: 'forecast', y: 'observed', r: 'hours', fill: 'var(--forecast)', fillOpacity: 0.7 }),
      Plot.text(bins, {
        x: 'forecast',
        y: 'observed',
        text: ({ hours }: ReliabilityPoint) => `${hours}`,
        dy: -14,
        fill: 'currentColor',
      }),
    ],
  });
}

/** How many hours got which probability, dry and wet ones beside each other, on a square-root scale. */
export function scoreChart(bins: readonly ScoreBin[], threshold: number, summary: string): string {
  const bars = bins.flatMap((bin) => {
    const middle = (bin.from + bin.to) / 2;
    return [
      { x1: bin.from, x2: middle, hours: bin.dry, fill: 'var(--dry)' },
      { x1: middle, x2: bin.to, hours: bin.wet, fill: 'var(--rain)' },
    ];
  });
  return draw({
    ariaLabel: summary,
    ...SQUARE,
    x: { domain: [0, 1], label: 'forecast probability', tickFormat: percent, ticks: 5 },
    y: { type: 'sqrt', label: 'hours (square-root scale)', ticks: 5, grid: true },
    marks: [
      Plot.rect(bars, { x1: 'x1', x2: 'x2', y1: 0, y2: 'hours', fill: 'fill', inset: 0.5 }),
      Plot.ruleX([threshold], { stroke: 'var(--forecast)', strokeDasharray: '4,3' }),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
    ],
  });
}

/** Skill of groups of hours (months, hours of the day): above 0 is better than persistence. */
export function skillChart(bars: readonly SkillBar[], summary: string): string {
  const skills = bars.flatMap(({ skill }) => (skill === null ? [] : [skill]));
  // One hopeless group would press all others flat; what reaches past the edge is clipped and told in the table.
  const lowest = Math.max(-1, Math.min(-0.1, ...skills));
  const shown = bars.flatMap(({ label, skill }) =>
    skill === null
      ? []
      : [{ label, skill: Math.max(skill, lowest), fill: skill >= 0 ? 'var(--good)' : 'var(--miss)' }],
  );
  return draw({
    ariaLabel: summary,
    width: 420,
    height: 220,
    marginLeft: 48,
    marginBottom: 36,
    x: { label: null, domain: bars.map(({ label }) => label), tickRotate: bars.length > 13 ? -60 : 0 },
    y: {
      domain: [lowest, Math.max(0.5, ...skills)],
      label: 'skill against persistence',
      tickFormat: percent,
      ticks: 5,
      grid: true,
    },
    marks: [
      Plot.barY(shown, { x: 'label', y: 'skill', fill: 'fill' }),
      Plot.ruleY([0], { stroke: 'currentColor' }),
    ],
  });
}

/** A word-sized line of daily skill with the zero line; days that can't be judged leave a gap. */
export function sparkline(values: readonly (number | null)[], summary: string): string {
  const known = values.flatMap((value) => (value === null ? [] : [value]));
  const edge = Math.min(1, Math.max(0.2, ...known.map(Math.abs)));
  const points = values.map((value, day) => ({
    day,
    value: value === null ? Number.NaN : Math.min(edge, Math.max(-edge, value)),
  }));
  return draw({
    ariaLabel: summary,
    width: 140,
    height: 36,
    margin: 3,
    x: { axis: null, domain: [0, Math.max(1, values.length - 1)] },
    y: { axis: null, domain: [-edge, edge] },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--muted)', strokeDasharray: '2,2' }),
      Plot.lineY(points, { x: 'day', y: 'value', stroke: 'var(--forecast)', strokeWidth: 1.5 }),
      Plot.dot(points.slice(-1), { x: 'day', y: 'value', r: 2.5, fill: 'var(--forecast)' }),
    ],
  });
}

const SQUARE = { width: 420, height: 320, marginLeft: 48, marginBottom: 40 } as const;

function middle({ hour }: TimelineHour): Date {
  return new Date(hour + HOUR_MS / 2);
}

function timeDomain(hours: readonly TimelineHour[]): [Date, Date] {
  const first = hours[0]?.hour ?? 0;
  return [new Date(first), new Date((hours.at(-1)?.hour ?? first) + HOUR_MS)];
}
