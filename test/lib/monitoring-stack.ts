import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { Metric } from '../../lambdas/runtime/metrics';
import { resourcesOf, type Templates, theResource } from './templates';

const alarm = z.looseObject({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.object({ Ref: z.string() })),
  OKActions: z.array(z.object({ Ref: z.string() })),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
  EvaluationPeriods: z.int(),
  Period: z.int().optional(),
});
const readme = readFileSync(resolve(__dirname, '../../README.md'), 'utf8');

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
    it('shows every metric that says whether it collects, forecasts and is any good', () => {
      const { Properties } = theResource(monitoring, 'AWS::CloudWatch::Dashboard', () => true);
      const body = JSON.stringify(Properties.DashboardBody);
      expect(Properties.DashboardName).toBe('garoa-dev');
      for (const name of [
        Metric.observationsStored,
        Metric.providerErrors,
        Metric.missingHours,
        Metric.forecastAgeMinutes,
        Metric.rollingBrier,
        Metric.skillAgainstPersistence,
        Metric.bytesScanned,
      ]) {
        expect(body).toContain(name);
      }
    });
  });
}
