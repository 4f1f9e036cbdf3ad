import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { Metric } from '../../../lambdas/runtime/metrics';
import { resourcesOf, type Templates, theResource } from '../templates';

const alarm = z.looseObject({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.object({ Ref: z.string() })),
  OKActions: z.array(z.object({ Ref: z.string() })),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
  EvaluationPeriods: z.int(),
  Period: z.int().optional(),
});
const readme = readFileSync(resolve(__dirname, '../../../README.md'), 'utf8');

/** Tests of the stack that watches; `stacks.test.ts` synthesises for all of them. */
export function monitoringTests({ monitoring }: Templates, slow: Templates): void {
  const alarms = resourcesOf(monitoring, 'AWS::CloudWatch::Alarm').map(({ Properties }) =>
    alarm.parse(Properties),
  );
  const topic = theResource(monitoring, 'AWS::SNS::Topic', () => true);

  describe('the alarms', () => {
    it('each name a runbook section of their own, and tell the topic when they ring and when they stop', () => {
      const sections = alarms.map(({ AlarmName, AlarmDescription, AlarmActions, OKActions }) => {
        expect([AlarmActions, OKActions]).toEqual([[{ Ref: topic.id }], [{ Ref: topic.id }]]);
        const [, section] = / Runbook: README\.md#([a-z-]+)$/.exec(AlarmDescription) ?? [];
        expect(AlarmName).toBe(`garoa-dev-${section}`);
        expect(readme).toContain(`\n### ${section}\n`);
        return section;
      });
      expect(new Set(sections).size).toBe(sections.length);
    });

    it('cover what fails, what does not run, what achieves nothing and forecasts that are worse than none', () => {
      const missing = Object.fromEntries(
        alarms.map(({ AlarmName, TreatMissingData }) => [
          AlarmName.replace('garoa-dev-', ''),
          TreatMissingData,
        ]),
      );
      expect(missing).toEqual({
        'ingest-failed': 'notBreaching',
        'ingest-did-not-run': 'breaching',
        'ingest-stored-nothing': 'breaching',
        'hourly-failed': 'notBreaching',
        'hourly-did-not-run': 'breaching',
        'hourly-aggregated-nothing': 'breaching',
        'forecasts-are-old': 'notBreaching',
        'worse-than-persistence': 'notBreaching',
        'model-refused': 'notBreaching',
        'retraining-failed': 'notBreaching',
        'retraining-did-not-run': 'breaching',
        'retraining-was-not-delivered': 'notBreaching',
        'backfill-failed': 'notBreaching',
      });
    });

    it('judge whole days where a week between two retrainings is right, and minutes more are no fault', () => {
      const byDay = alarms.filter(({ EvaluationWindow }) => EvaluationWindow !== undefined);
      expect(byDay.map(({ AlarmName, EvaluationWindow }) => [AlarmName, EvaluationWindow])).toEqual([
        ['garoa-dev-retraining-did-not-run', { WallClockWindow: { Timezone: 'UTC' } }],
      ]);
    });

    it('look back no further than CloudWatch does', () => {
      for (const { Period = 0, EvaluationPeriods } of alarms) {
        expect(Period * EvaluationPeriods).toBeLessThanOrEqual(7 * 86_400);
      }
    });

    it('watch metrics under the names and the dimension that the functions emit them with', () => {
      const own = z.object({
        Namespace: z.literal('Garoa'),
        MetricName: z.enum(Metric),
        Dimensions: z.tuple([z.object({ Name: z.literal('service'), Value: z.literal('garoa-dev') })]),
      });
      const ours = alarms
        .filter(({ Namespace }) => Namespace === 'Garoa')
        .map((found) => own.parse(found).MetricName);
      expect(ours.toSorted()).toEqual(
        [
          Metric.forecastAgeMinutes,
          Metric.hoursAggregated,
          Metric.modelsRefused,
          Metric.observationsStored,
          Metric.skillAgainstPersistence,
        ].toSorted(),
      );
    });

    it('wait for a slow cadence before they miss a run', () => {
      const alarmOf = theResource(
        slow.monitoring,
        'AWS::CloudWatch::Alarm',
        ({ Properties }) => Properties.AlarmName === 'garoa-prod-ingest-did-not-run',
      );
      expect(alarmOf.Properties.Period).toBe(3_600);
    });
  });

  describe('the topic', () => {
    it('lets CloudWatch of the same account publish, and mails the address that is configured', () => {
      const { Properties } = theResource(monitoring, 'AWS::SNS::TopicPolicy', () => true);
      expect(Properties.PolicyDocument).toMatchObject({
        Statement: expect.arrayContaining([
          expect.objectContaining({
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: 'sns:Publish',
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      });
      expect(theResource(monitoring, 'AWS::SNS::Subscription', () => true).Properties).toMatchObject({
        Protocol: 'email',
        Endpoint: 'rain@example.com',
        TopicArn: { Ref: topic.id },
      });
    });

    it('mails nobody when no address is configured', () => {
      expect(resourcesOf(slow.monitoring, 'AWS::SNS::Subscription')).toEqual([]);
    });
  });

  describe('the dashboard', () => {
    it('shows every metric that the functions emit: none is paid for and never looked at', () => {
      const { Properties } = theResource(monitoring, 'AWS::CloudWatch::Dashboard', () => true);
      const body = JSON.stringify(Properties.DashboardBody);
      expect(Properties.DashboardName).toBe('garoa-dev');
      for (const name of Object.values(Metric)) {
        expect(body).toContain(`"Garoa\\",\\"${name}\\"`);
      }
    });

    it('fills its rows with widgets of whole widths: CloudWatch takes no others', () => {
      const { Properties } = theResource(monitoring, 'AWS::CloudWatch::Dashboard', () => true);
      const widths = [...JSON.stringify(Properties.DashboardBody).matchAll(/width\\":([\d.]+)/g)];
      expect(widths.length).toBeGreaterThan(10);
      for (const [, width] of widths) expect([24, 12, 8, 6]).toContain(Number(width));
    });

    it('shows the runs, the failures and what each function costs, and the bytes that Athena read', () => {
      const { Properties } = theResource(monitoring, 'AWS::CloudWatch::Dashboard', () => true);
      const body = JSON.stringify(Properties.DashboardBody);
      for (const name of ['Invocations', 'Errors', 'Duration']) {
        expect(body.match(new RegExp(`AWS/Lambda[^\\w]+${name}[^\\w]+FunctionName`, 'g'))).toHaveLength(3);
      }
      expect(body).toContain('ProcessedBytes');
    });
  });
}
