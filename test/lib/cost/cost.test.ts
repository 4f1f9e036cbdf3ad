import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { column } from '../../../lib/cost/columns';
import { deployed } from '../../../lib/cost/deployed';
import { type Item, total } from '../../../lib/cost/estimate';
import { type Measured, readMeasured } from '../../../lib/cost/measured';
import { type Column, costSection, headline, PLACES, withCostSection } from '../../../lib/cost/report';
import { projectRoot } from '../../../lib/project-root';

const measured = readMeasured(projectRoot);
let columns: readonly Column[];
let printed: jest.SpyInstance;

beforeAll(() => {
  printed = jest.spyOn(console, 'error').mockImplementation();
  columns = PLACES.map((places) => column(places, measured));
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
