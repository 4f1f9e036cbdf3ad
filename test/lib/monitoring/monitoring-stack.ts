import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { Metric } from '../../../lambdas/runtime/metrics';
import { ALARMS } from '../../../lib/monitoring/alarms';
import { LOG_QUERIES } from '../../../lib/monitoring/queries';
import { RUNBOOK_FILE, runbook } from '../../../lib/monitoring/runbook';
import { resourcesOf, type Templates, theResource } from '../templates';

const alarm = z.looseObject({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.object({ Ref: z.string() })),
  OKActions: z.array(z.object({ Ref: z.string() })),
  TreatMissingData: z.enum(['breaching', 'notBreaching']),
  EvaluationPeriods: z.int(),
  Period: z.int().optional(),
  Metrics: z.array(z.looseObject({ Expression: z.string().optional() })).optional(),
});

/** Tests of the stack that watches; `stacks.test.ts` synthesises for all of them. */
export function monitoringTests({ monitoring, notes }: Templates, slow: Templates): void {
  const alarms = resourcesOf(monitoring, 'AWS::CloudWatch::Alarm').map(({ Properties }) =>
    alarm.parse(Properties),
  );
  const topic = theResource(monitoring, 'AWS::SNS::Topic', () => true);

  describe('the alarms', () => {
    it('each say what is wrong and what to do, in as many characters as CloudWatch takes', () => {
      expect(alarms.map(({ AlarmName }) => AlarmName)).toEqual(ALARMS.map(({ name }) => `garoa-dev-${name}`));
      alarms.forEach(({ AlarmName, AlarmDescription }, index) => {
        const { meaning = '', remedy = [] } = ALARMS[index] ?? {};
        for (const words of [meaning, ...remedy]) {
          expect(AlarmDescription).toContain(words.replaceAll('{app}', 'garoa-dev'));
        }
        expect(AlarmDescription).toContain(`${RUNBOOK_FILE}#${AlarmName.replace('garoa-dev-', '')}`);
        expect(AlarmDescription.length).toBeLessThanOrEqual(1_024);
      });
    });

    it('have a runbook that says the same: `npm run runbook` makes it anew', () => {
      expect(readFileSync(resolve(__dirname, '../../../', RUNBOOK_FILE), 'utf8')).toBe(runbook());
    });

    it('tell the topic when they ring and when they stop', () => {
      for (const { AlarmActions, OKActions } of alarms) {
        expect([AlarmActions, OKActions]).toEqual([[{ Ref: topic.id }], [{ Ref: topic.id }]]);
      }
    });

    it('watch no more than 29 metrics, each of which is paid for', () => {
      const metrics = alarms.flatMap(({ Metrics = [{}] }) =>
        Metrics.filter(({ Expression }) => Expression === undefined),
      );
      expect(metrics.length).toBeLessThanOrEqual(29);
    });

    it('look back no further than CloudWatch does', () => {
      for (const { Period = 0, EvaluationPeriods } of alarms) {
        expect(Period * EvaluationPeriods).toBeLessThanOrEqual(7 * 86_400);
      }
    });

    it('watch every metric that the functions emit, under its name and dimension: none is paid for and not read', () => {
      const own = z.object({
        Namespace: z.literal('Garoa'),
        MetricName: z.enum(Metric),
        Dimensions: z.tuple([z.object({ Name: z.literal('service'), Value: z.literal('garoa-dev') })]),
      });
      const ours = alarms
        .filter(({ Namespace }) => Namespace === 'Garoa')
        .map((found) => own.parse(found).MetricName);
      expect(ours.toSorted()).toEqual(Object.values(Metric).toSorted());
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

  describe('the log queries', () => {
    it('are kept for the log of the function whose fields they ask for', () => {
      const queries = resourcesOf(monitoring, 'AWS::Logs::QueryDefinition').map(
        ({ Properties }) => Properties,
      );
      expect(queries.map(({ Name }) => Name)).toEqual(LOG_QUERIES.map(({ name }) => `garoa-dev/${name}`));
      queries.forEach(({ LogGroupNames }, index) => {
        expect(JSON.stringify(LogGroupNames)).toMatch(new RegExp(LOG_QUERIES[index]?.of ?? '-', 'i'));
      });
    });
  });

  describe('the dashboard', () => {
    it('is not there unless it is wanted: it costs $3', () => {
      expect(resourcesOf(slow.monitoring, 'AWS::CloudWatch::Dashboard')).toEqual([]);
    });

    it('shows the answers of the log queries, the failures and what each function costs', () => {
      const { Properties } = theResource(monitoring, 'AWS::CloudWatch::Dashboard', () => true);
      const body = JSON.stringify(Properties.DashboardBody);
      expect(Properties.DashboardName).toBe('garoa-dev');
      for (const { name } of LOG_QUERIES) expect(body).toContain(name);
      for (const name of ['Invocations', 'Errors', 'Duration']) {
        expect(body.match(new RegExp(`AWS/Lambda[^\\w]+${name}[^\\w]+FunctionName`, 'g'))).toHaveLength(3);
      }
    });

    it('fills its rows with widgets of whole widths: CloudWatch takes no others', () => {
      const { Properties } = theResource(monitoring, 'AWS::CloudWatch::Dashboard', () => true);
      const widths = [...JSON.stringify(Properties.DashboardBody).matchAll(/width\\":([\d.]+)/g)];
      expect(widths.length).toBeGreaterThan(10);
      for (const [, width] of widths) expect([24, 12, 8, 6]).toContain(Number(width));
    });
  });

  describe('an owner who set no address', () => {
    it('is told at synth that alarms reach nobody', () => {
      expect(slow.notes.join()).toContain('No garoa.alarmEmail is set');
      expect(notes.join()).not.toContain('alarmEmail');
    });
  });
}
