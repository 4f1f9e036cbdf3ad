import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom/worker';
import { HOUR_MS } from '../runtime/time';
import { chance, localDay, localHour, localTime, signed, skillPercent, utcTime } from './words';

/**
 * Charts of the pages as SVG text, drawn without a browser. Colours are the page's CSS variables, so one
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

/** Of one measurement, the polled value less the true one. */
export interface Difference {
  readonly label: string;
  readonly unit: string;
  /** Mean and standard deviation, in the unit. */
  readonly bias: number;
  readonly spread: number;
  /** Half of the row's width, in the unit. */
  readonly reach: number;
  /** Digits after the point. */
  readonly digits: number;
  readonly hours: number;
}

/** Skill of one UTC day's verified forecasts; null when it can't be told. */
export interface DailySkill {
  readonly date: string;
  readonly skill: number | null;
}

const { document } = parseHTML('<!doctype html><html><body></body></html>');

const percent = (value: number) => `${Math.round(value * 100)}%`;

function draw(options: Plot.PlotOptions & { readonly ariaLabel: string }): string {
  const chart = Plot.plot({
    document,
    style: { background: 'transparent', fontSize: '13px' },
    ...options,
  });
  // One picture with one description: otherwise a screen reader would spell out every tick, and meet labels on
  // parts that may not have any.
  chart.setAttribute('role', 'img');
  for (const part of chart.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  return chart.outerHTML;
}

/** Probability over time, wet hours shaded, misses and false alarms marked where the forecast was yes/no wrong. */
export function probabilityTimeline(
  hours: readonly TimelineHour[],
  threshold: number | null,
  zone: string,
  summary: string,
): string {
  const wet = hours.filter(({ rained }) => rained === true);
  const misses = wet.filter(({ willRain }) => willRain === false);
  const falseAlarms = hours.filter(({ rained, willRain }) => rained === false && willRain === true);
  // A line needs two points; an hour between two without a forecast would vanish.
  const alone = hours.filter(
    ({ probability }, i) =>
      probability !== null &&
      (hours[i - 1]?.probability ?? null) === null &&
      (hours[i + 1]?.probability ?? null) === null,
  );
  return draw({
    ariaLabel: summary,
    ...WIDE,
    height: 240,
    x: { type: 'utc', label: null, domain: timeDomain(hours), ...localDays(hours, zone) },
    y: {
      axis: 'right',
      domain: [0, 1],
      label: 'probability of rain',
      tickFormat: percent,
      ticks: 5,
      grid: true,
    },
    marks: [
      Plot.rect(wet, {
        x1: ({ hour }: TimelineHour) => new Date(hour),
        x2: ({ hour }: TimelineHour) => new Date(hour + HOUR_MS),
        y1: 0,
        y2: 1,
        fill: 'var(--rain-pale)',
        title: (hour: TimelineHour) => hourInWords(hour, zone),
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
      Plot.dot(alone, {
        x: middle,
        y: ({ probability }: TimelineHour) => probability ?? Number.NaN,
        r: 1.6,
        fill: 'var(--forecast)',
        title: (hour: TimelineHour) => hourInWords(hour, zone),
      }),
      Plot.dot(misses, {
        x: middle,
        y: ({ probability }: TimelineHour) => probability ?? Number.NaN,
        symbol: 'triangle',
        r: 4.5,
        fill: 'var(--miss)',
        title: (hour: TimelineHour) => `Miss: ${hourInWords(hour, zone)}`,
      }),
      Plot.dot(falseAlarms, {
        x: middle,
        y: ({ probability }: TimelineHour) => probability ?? Number.NaN,
        symbol: 'times',
        r: 4.5,
        stroke: 'var(--false-alarm)',
        strokeWidth: 2,
        title: (hour: TimelineHour) => `False alarm: ${hourInWords(hour, zone)}`,
      }),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
      // A line has no hours to point at.
      Plot.rect(
        hours.filter(({ probability, rained }) => probability !== null && rained !== true),
        {
          x1: ({ hour }: TimelineHour) => new Date(hour),
          x2: ({ hour }: TimelineHour) => new Date(hour + HOUR_MS),
          y1: 0,
          y2: 1,
          fill: 'transparent',
          title: (hour: TimelineHour) => hourInWords(hour, zone),
        },
      ),
    ],
  });
}

/** Rain of each hour as bars; hours without an observation are shaded over the whole height. */
export function rainTimeline(hours: readonly TimelineHour[], zone: string, summary: string): string {
  const unknown = hours.filter(({ precipMm }) => precipMm === null);
  const highest = hours.reduce((most, { precipMm }) => Math.max(most, precipMm ?? 0), 0);
  const top = Math.max(highest, 1);
  return draw({
    ariaLabel: summary,
    ...WIDE,
    height: 150,
    x: { type: 'utc', label: null, domain: timeDomain(hours), ...localDays(hours, zone) },
    y: { axis: 'right', domain: [0, top], label: 'rain, mm in the hour', ticks: 3, grid: true },
    marks: [
      Plot.rect(unknown, {
        x1: ({ hour }: TimelineHour) => new Date(hour),
        x2: ({ hour }: TimelineHour) => new Date(hour + HOUR_MS),
        y1: 0,
        y2: top,
        fill: 'var(--gap)',
        title: (hour: TimelineHour) => hourInWords(hour, zone),
      }),
      Plot.rect(
        hours.filter(({ precipMm }) => precipMm !== null && precipMm > 0),
        {
          x1: ({ hour }: TimelineHour) => new Date(hour),
          x2: ({ hour }: TimelineHour) => new Date(hour + HOUR_MS),
          y1: 0,
          y2: ({ precipMm }: TimelineHour) => precipMm ?? 0,
          fill: 'var(--rain)',
          title: (hour: TimelineHour) => hourInWords(hour, zone),
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
      label: 'recall: rain hours that were forecast',
      tickFormat: percent,
      ticks: 5,
    },
    y: {
      domain: [0, 1],
      label: 'precision: rain forecasts that came true',
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
        title: () =>
          `Chosen threshold: precision ${percent(chosen.precision)}, recall ${percent(chosen.recall)}`,
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
    marginRight: 40,
    r: { range: [2.5, 12], domain: [0, Math.max(1, ...bins.map(({ hours }) => hours))] },
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
      // The halo of a number lies under the dots: drawn later it would hide one.
      Plot.text(bins.filter(hasRoom), {
        x: 'forecast',
        y: 'observed',
        text: ({ hours }: ReliabilityPoint) => hours.toLocaleString('en'),
        textAnchor: 'start',
        dx: 9,
        dy: -9,
        fill: 'currentColor',
        stroke: 'var(--panel)',
        strokeWidth: 4,
      }),
      Plot.dot(bins, {
        x: 'forecast',
        y: 'observed',
        r: 'hours',
        fill: 'var(--forecast)',
        fillOpacity: 0.7,
        title: ({ forecast, observed, hours }: ReliabilityPoint) =>
          `${percent(forecast)} forecast, ${percent(observed)} wet, ${hours.toLocaleString('en')} hours`,
      }),
    ],
  });
}

/** Whether the number at a dot covers no number of a dot with more hours; its title tells it in any case. */
function hasRoom(point: ReliabilityPoint, _: number, bins: readonly ReliabilityPoint[]): boolean {
  return !bins.some(
    ({ forecast, observed, hours }) =>
      hours > point.hours &&
      Math.abs(forecast - point.forecast) < 0.12 &&
      Math.abs(observed - point.observed) < 0.06,
  );
}

/** How many hours got which probability, dry and wet ones beside each other, on a square-root scale. */
export function scoreChart(bins: readonly ScoreBin[], threshold: number, summary: string): string {
  const bars = bins.flatMap((bin) => {
    const middle = (bin.from + bin.to) / 2;
    const span = `${percent(bin.from)} to ${percent(bin.to)}`;
    return [
      { x1: bin.from, x2: middle, hours: bin.dry, fill: 'var(--dry)', title: `${span}: ${bin.dry} dry` },
      { x1: middle, x2: bin.to, hours: bin.wet, fill: 'var(--rain)', title: `${span}: ${bin.wet} wet` },
    ];
  });
  return draw({
    ariaLabel: summary,
    ...SQUARE,
    x: { domain: [0, 1], label: 'forecast probability', tickFormat: percent, ticks: 5 },
    y: { type: 'sqrt', label: 'hours (square-root scale)', ticks: 5, grid: true },
    marks: [
      Plot.rect(bars, { x1: 'x1', x2: 'x2', y1: 0, y2: 'hours', fill: 'fill', inset: 0.5, title: 'title' }),
      Plot.ruleX([threshold], { stroke: 'var(--forecast)', strokeDasharray: '4,3' }),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
    ],
  });
}

/** Of a month, such as 2013-10, below a chart that is as narrow as a phone. */
const LABELS_THAT_FIT = 6;

/** Skill of groups of hours (months, hours of the day): above 0 is better than persistence. */
export function skillChart(bars: readonly SkillBar[], summary: string): string {
  const skills = bars.flatMap(({ skill }) => (skill === null ? [] : [skill]));
  // One hopeless group would press all others flat; what reaches past the edge is clipped and told in the table.
  const lowest = Math.max(-1, Math.min(-0.1, ...skills));
  const labels = bars.map(({ label }) => label);
  const everyNth = Math.ceil(labels.length / LABELS_THAT_FIT);
  const shown = bars.flatMap(({ label, skill }) =>
    skill === null
      ? []
      : [
          {
            label,
            skill: Math.max(skill, lowest),
            fill: skill >= 0 ? 'var(--good)' : 'var(--miss)',
            title: `${label}: ${skillPercent(skill)}`,
          },
        ],
  );
  return draw({
    ariaLabel: summary,
    ...SQUARE,
    height: 230,
    x: { label: null, domain: labels, ticks: labels.filter((_, i) => i % everyNth === 0) },
    y: {
      domain: [lowest, Math.max(0.5, ...skills)],
      label: 'skill against persistence',
      tickFormat: percent,
      ticks: 5,
      grid: true,
    },
    marks: [
      Plot.barY(shown, { x: 'label', y: 'skill', fill: 'fill', title: 'title' }),
      Plot.ruleY([0], { stroke: 'currentColor' }),
    ],
  });
}

/** Mean (dot) and spread (bar) of what polls told less what was true; each row has its own unit and width. */
export function differenceChart(differences: readonly Difference[], summary: string): string {
  const rows = differences.map(({ label, unit, bias, spread, reach, digits, hours }) => ({
    label,
    bias: within(bias / reach),
    low: within((bias - spread) / reach),
    high: within((bias + spread) / reach),
    told: differenceInWords({ bias, spread, unit, digits }),
    title: `${label}: polls less truth ${differenceInWords({ bias, spread, unit, digits: 2 })} in ${hours.toLocaleString('en')} hours`,
  }));
  return draw({
    ariaLabel: summary,
    ...SQUARE,
    height: 70 + 24 * rows.length,
    marginLeft: 108,
    marginRight: 128,
    x: {
      domain: [-1, 1],
      label: 'polls told less ← → more',
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks: [],
    },
    y: { label: null, domain: rows.map(({ label }) => label), tickSize: 0 },
    marks: [
      Plot.ruleX([0], { stroke: 'var(--muted)', strokeDasharray: '4,3' }),
      Plot.barX(rows, { y: 'label', x1: 'low', x2: 'high', fill: 'var(--dry)', inset: 4, title: 'title' }),
      Plot.dot(rows, {
        y: 'label',
        x: 'bias',
        r: 4,
        fill: 'var(--forecast)',
        stroke: 'var(--panel)',
        title: 'title',
      }),
      Plot.text(rows, {
        y: 'label',
        text: 'told',
        frameAnchor: 'right',
        textAnchor: 'start',
        dx: 8,
        fill: 'currentColor',
      }),
    ],
  });
}

/** `+0.5 ± 1.3 °C`: the mean and the standard deviation. */
export function differenceInWords({
  bias,
  spread,
  unit,
  digits,
}: Pick<Difference, 'bias' | 'spread' | 'unit' | 'digits'>): string {
  return `${signed(bias, digits)} ± ${spread.toFixed(digits)} ${unit}`;
}

/** What reaches past the edge of a row is told in its numbers. */
function within(share: number): number {
  return Math.min(1, Math.max(-1, share));
}

/**
 * Word-sized bars of daily skill around the zero line; a day that can't be judged leaves a gap. Its numbers are its
 * text alternative.
 */
export function skillSparkline(days: readonly DailySkill[]): string {
  const known = days.flatMap(({ date, skill }) => (skill === null ? [] : [{ date, skill }]));
  // A calm day can't fill the height, and a hopeless one presses no other flat.
  const edge = Math.min(1, Math.max(0.2, ...known.map(({ skill }) => Math.abs(skill))));
  const told = known.map(({ date, skill }) => `${date} ${skillPercent(skill)}`).join(', ');
  const unknown = days.length - known.length;
  return draw({
    ariaLabel: `Skill by day: ${told}${unknown === 0 ? '' : `; ${unknown} of ${days.length} days not known`}.`,
    width: 150,
    height: 34,
    margin: 2,
    x: { axis: null, domain: days.map(({ date }) => date), padding: 0.2 },
    y: { axis: null, domain: [-edge, edge], clamp: true, round: true },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
      Plot.barY(
        known.filter(({ skill }) => skill >= 0),
        {
          x: 'date',
          y: 'skill',
          fill: 'var(--good)',
          title: ({ date, skill }: (typeof known)[number]) => `${date}: ${skillPercent(skill)}`,
        },
      ),
      Plot.barY(
        known.filter(({ skill }) => skill < 0),
        {
          x: 'date',
          y: 'skill',
          fill: 'var(--miss)',
          title: ({ date, skill }: (typeof known)[number]) => `${date}: ${skillPercent(skill)}`,
        },
      ),
    ],
  });
}

/** With its scale on the right, where a phone begins to show it: at the newest hours. */
const WIDE = { width: 860, marginTop: 28, marginLeft: 16, marginRight: 46, marginBottom: 44 } as const;

/** Narrow enough for a phone to show it whole with labels that can be read. */
const SQUARE = { width: 380, height: 320, marginTop: 28, marginLeft: 52, marginBottom: 42 } as const;

function middle({ hour }: TimelineHour): Date {
  return new Date(hour + HOUR_MS / 2);
}

function timeDomain(hours: readonly TimelineHour[]): [Date, Date] {
  const first = hours[0]?.hour ?? 0;
  return [new Date(first), new Date((hours.at(-1)?.hour ?? first) + HOUR_MS)];
}

/** A mark at each day's beginning in the place's own time; every second day where they would not fit. */
function localDays(
  hours: readonly TimelineHour[],
  zone: string,
): { readonly ticks: Date[]; readonly tickFormat: (instant: Date) => string } {
  const midnights = hours.filter(({ hour }) => /^00:/.test(localHour(hour, zone)));
  const step = Math.ceil(midnights.length / TICKS_THAT_FIT);
  return {
    ticks: midnights.filter((_, i) => i % step === 0).map(({ hour }) => new Date(hour)),
    tickFormat: (instant) => localDay(instant.getTime(), zone),
  };
}

/** Days such as `24 Dec` below a wide chart. */
const TICKS_THAT_FIT = 16;

/** What a mark says when it is pointed at. */
function hourInWords({ hour, precipMm, probability }: TimelineHour, zone: string): string {
  const rain = precipMm === null ? 'not observed' : precipMm === 0 ? 'dry' : `${precipMm.toFixed(1)} mm`;
  const forecast = probability === null ? '' : `, forecast ${chance(probability)}`;
  return `${localTime(hour, zone)} (${utcTime(hour)}): ${rain}${forecast}`;
}
