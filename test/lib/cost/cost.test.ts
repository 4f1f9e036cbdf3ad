import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { column, uses } from '../../../lib/cost/columns';
import { deployed } from '../../../lib/cost/deployed';
import { type Item, total } from '../../../lib/cost/estimate';
import { type Measured, readMeasured } from '../../../lib/cost/measured';
import {
  type Column,
  costSection,
  headline,
  PLACES,
  type UseColumn,
  useTable,
  withCostSection,
} from '../../../lib/cost/report';
import { projectRoot } from '../../../lib/project-root';

const measured = readMeasured(projectRoot);
let columns: readonly Column[];
let used: readonly UseColumn[];
let printed: jest.SpyInstance;

beforeAll(() => {
  printed = jest.spyOn(console, 'error').mockImplementation();
  columns = PLACES.map((places) => column(places, measured));
  used = uses(measured);
});
afterAll(() => printed.mockRestore());

const itemsOf = (places: number) => columns.find((one) => one.places === places)?.items ?? [];
const usd = (items: readonly Item[], name: RegExp) => total(items.filter((item) => name.test(item.name)));

describe('a month', () => {
  it('costs under $5 in the default configuration, before free tiers', () => {
    const sum = total(itemsOf(1));
    expect(sum).toBeGreaterThan(2);
    expect(sum).toBeLessThan(5);
    expect(headline(columns)).toMatch(/^Default configuration: \$\d\.\d\d a month/);
  });

  it('has its table in the README as `npm run cost -- --write` makes it', () => {
    const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
    expect(withCostSection(readme, costSection(columns, measured))).toBe(readme);
  });

  it('costs the same for alarms however many places there are, and more for what each place does', () => {
    expect(usd(itemsOf(1_000), /alarms/)).toBe(usd(itemsOf(1), /alarms/));
    for (const item of [/polls/, /hourly/, /retraining/, /storage/]) {
      expect(usd(itemsOf(1_000), item)).toBeGreaterThan(usd(itemsOf(1), item));
    }
  });

  it('follows what was measured', () => {
    const { poll } = measured.runs;
    if (poll === undefined) throw new Error('no polls');
    const dearer: Measured = {
      ...measured,
      runs: {
        ...measured.runs,
        poll: { ...poll, fixed: { ...poll.fixed, s3Writes: poll.fixed.s3Writes + 1 } },
      },
    };
    // One write more a minute, at half a cent a thousand, and the time that it takes.
    const more = total(column(1, dearer).items) - total(itemsOf(1));
    expect(more).toBeGreaterThan((43_800 * 0.005) / 1_000 - 1e-9);
    expect(more).toBeLessThan(0.3);
  });
});

describe('what runs use', () => {
  it('grows with places no faster than they do, and its constant part is told by one place', () => {
    const [one, ...others] = used;
    if (one === undefined) throw new Error('no column');
    for (const { places, hourly, day, retraining } of others) {
      for (const [few, many] of [
        [one.hourly, hourly],
        [one.day, day],
        [one.retraining, retraining],
      ] as const) {
        expect(many.usd).toBeGreaterThan(few.usd);
        expect(many.usd).toBeLessThanOrEqual(places * few.usd);
        expect(many.requests).toBeLessThanOrEqual(places * few.requests);
      }
      expect(hourly.events).toBe(places);
    }
    expect(one.day.statements).toBeGreaterThan(24 * one.hourly.statements);
  });

  it('counts the further queries that thousands of places need', () => {
    const of = (places: number) => used.find((column) => column.places === places);
    expect((of(5_000)?.hourly.statements ?? 0) - (of(1)?.hourly.statements ?? 0)).toBe(4);
    expect((of(5_000)?.retraining.statements ?? 0) - (of(100)?.retraining.statements ?? 0)).toBe(4 * 49);
  });

  it('has a table with a line for each figure and run', () => {
    const lines = useTable(used).split('\n');
    expect(lines).toHaveLength(2 + 3 * 5);
    expect(lines[0]).toBe('|  | 1 place | 100 places | 1,000 places | 5,000 places |');
  });
});

describe('what is deployed', () => {
  const resource = (Type: string, Properties: object) => ({ Type, Properties });
  const template = (...resources: object[]) => ({ Resources: Object.fromEntries(Object.entries(resources)) });

  it('counts each metric of an alarm, and of ours those that are sent every day', () => {
    const stat = { MetricStat: { Metric: { Namespace: 'AWS/Lambda' } } };
    const found = deployed(
      [
        template(
          resource('AWS::CloudWatch::Alarm', { Namespace: 'Garoa', MetricName: 'SkillAgainstPersistence' }),
          resource('AWS::CloudWatch::Alarm', { Namespace: 'Garoa', MetricName: 'EmptyHours' }),
          resource('AWS::CloudWatch::Alarm', { Metrics: [{ Expression: 'a / b' }, stat, stat] }),
          resource('AWS::CloudWatch::Dashboard', {}),
        ),
      ],
      'garoa-prod',
    );
    expect(found).toMatchObject({ alarmMetrics: 4, customMetrics: 1, dashboards: 1 });
  });

  it.each([
    ['cron(* * * * ? *)', 43_800],
    ['cron(14/15 * * * ? *)', 2_920],
    ['cron(5 * * * ? *)', 730],
    ['cron(25 0 * * ? *)', 730 / 24],
    ['cron(30 3 ? * SUN *)', 730 / 24 / 7],
  ])('knows how often %s fires in a month', (ScheduleExpression, times) => {
    const schedule = resource('AWS::Scheduler::Schedule', { Name: 'garoa-prod-hourly', ScheduleExpression });
    expect(deployed([template(schedule)], 'garoa-prod').runs.hourly).toBeCloseTo(times, 6);
  });

  it('is not priced when a schedule is written in a way that is not understood', () => {
    const schedule = resource('AWS::Scheduler::Schedule', {
      Name: 'garoa-prod-hourly',
      ScheduleExpression: 'rate(1 hour)',
    });
    expect(() => deployed([template(schedule)], 'garoa-prod')).toThrow('rate(1 hour)');
  });
});
