import * as z from 'zod';
import { Env } from '../../../lambdas/runtime/env';
import { permissionsOf, type Resource, resourcesOf, type Templates, text, theResource } from '../templates';

/** Tests of the stack that runs; `stacks.test.ts` synthesises for all of them. */
export function pipelineTests({ pipeline, notes }: Templates, other: Templates): void {
  const functions = resourcesOf(pipeline, 'AWS::Lambda::Function');
  const functionNamed = (name: string) =>
    theResource(pipeline, 'AWS::Lambda::Function', ({ Properties }) => Properties.FunctionName === name);
  const permissions = (name: string) => permissionsOf(pipeline, functionNamed(name).Properties.Role);
  const queueNamed = (name: string) =>
    theResource(pipeline, 'AWS::SQS::Queue', ({ Properties }) => Properties.QueueName === name);

  const schedule = z.object({
    Name: z.string(),
    ScheduleExpression: z.string(),
    FlexibleTimeWindow: z.object({ Mode: z.string() }),
    Target: z.object({
      Arn: z.unknown(),
      RoleArn: z.unknown(),
      Input: z.string().transform((input): unknown => JSON.parse(input)),
      DeadLetterConfig: z.object({ Arn: z.unknown() }),
      RetryPolicy: z.object({ MaximumEventAgeInSeconds: z.int(), MaximumRetryAttempts: z.int() }),
    }),
  });
  const schedules = resourcesOf(pipeline, 'AWS::Scheduler::Schedule').map(({ Properties }) =>
    schedule.parse(Properties),
  );
  const schedulesOf = (arn: string) => schedules.filter(({ Target }) => text(Target.Arn) === arn);
  const arnOf = ({ id }: Resource) => `<${id}.Arn>`;

  const environment = z.object({ Variables: z.record(z.string(), z.unknown()) });
  const variablesOf = (name: string) =>
    environment.parse(functionNamed(name).Properties.Environment).Variables;

  const raw = 'arn:<Partition>:s3:::<garoa-dev-data-lake:RawBucket>';
  const processed = 'arn:<Partition>:s3:::<garoa-dev-data-lake:ProcessedBucket>';
  const models = 'arn:<Partition>:s3:::<garoa-dev-data-lake:ModelsBucket>';
  const results = 'arn:<Partition>:s3:::<garoa-dev-data-lake:QueryResultsBucket>';

  describe('the functions', () => {
    it('are three, on the current runtime and on arm64, each with a log that expires', () => {
      expect(functions.map(({ Properties }) => Properties.FunctionName).toSorted()).toEqual([
        'garoa-dev-hourly',
        'garoa-dev-ingest',
        'garoa-dev-retrain',
      ]);
      for (const { Properties } of functions) {
        expect(Properties).toMatchObject({
          Runtime: 'nodejs24.x',
          Architectures: ['arm64'],
          Handler: 'index.handler',
          LoggingConfig: { LogGroup: { Ref: expect.any(String) } },
        });
      }
      for (const { Properties } of resourcesOf(pipeline, 'AWS::Logs::LogGroup')) {
        expect(Properties.RetentionInDays).toBe(30);
      }
    });

    it('have a variable for each bucket that they may touch, and may touch none without a variable', () => {
      const buckets = {
        [Env.rawBucket]: raw,
        [Env.processedBucket]: processed,
        [Env.modelsBucket]: models,
        [Env.queryResultsBucket]: results,
      };
      for (const name of ['garoa-dev-ingest', 'garoa-dev-hourly', 'garoa-dev-retrain']) {
        const variables = variablesOf(name);
        for (const [variable, arn] of Object.entries(buckets)) {
          const mayTouch = permissions(name).some((line) => line.startsWith('s3:') && line.includes(arn));
          expect([name, variable, mayTouch]).toEqual([name, variable, variable in variables]);
        }
      }
    });

    it('carry their stage as the dimension of their metrics', () => {
      for (const { Properties } of functions) {
        expect(environment.parse(Properties.Environment).Variables.POWERTOOLS_SERVICE_NAME).toBe('garoa-dev');
      }
    });

    it('send what they give up on to their queue, which they may write to', () => {
      for (const { Properties } of resourcesOf(pipeline, 'AWS::Lambda::EventInvokeConfig')) {
        const { OnFailure } = z
          .object({ OnFailure: z.object({ Destination: z.unknown() }) })
          .parse(Properties.DestinationConfig);
        const { Role, FunctionName } =
          functions.find(({ id }) => text(Properties.FunctionName) === `<${id}>`)?.Properties ?? {};
        expect(text(OnFailure.Destination)).toBe(arnOf(queueNamed(`${String(FunctionName)}-failures`)));
        expect(permissionsOf(pipeline, Role)).toContain(`sqs:SendMessage ${text(OnFailure.Destination)}`);
      }
      expect(resourcesOf(pipeline, 'AWS::Lambda::EventInvokeConfig')).toHaveLength(3);
    });

    it('have roles without a managed policy and without an action for all of a service', () => {
      for (const { id } of functions) {
        const { Role } = theResource(
          pipeline,
          'AWS::Lambda::Function',
          (found) => found.id === id,
        ).Properties;
        expect(permissionsOf(pipeline, Role).filter((line) => /^\S*\*|\s\*$/.test(line))).toEqual([]);
      }
    });
  });

  describe('ingest', () => {
    it('may add and read observations, delete none, and read the one secret', () => {
      expect(permissions('garoa-dev-ingest').filter((line) => /^(s3|secretsmanager):/.test(line))).toEqual([
        `s3:GetObject ${raw}/observations/*`,
        `s3:ListBucket ${raw}`,
        `s3:PutObject ${raw}/observations/*`,
        'secretsmanager:GetSecretValue <garoa-dev-data-lake:ApiKeySecret>',
      ]);
      expect(variablesOf('garoa-dev-ingest')[Env.apiKeySecret]).toBe('garoa-dev-api-key');
    });

    it('asks the real provider, at the history host as well where there is one', () => {
      expect(variablesOf('garoa-dev-ingest')[Env.weatherApiUrl]).toBe('https://api.weatherapi.com/v1');
      const { Properties } = theResource(
        other.pipeline,
        'AWS::Lambda::Function',
        (found) => found.Properties.FunctionName === 'garoa-prod-ingest',
      );
      expect(environment.parse(Properties.Environment).Variables).toMatchObject({
        [Env.weatherApiUrl]: 'https://api.open-meteo.com/v1',
        [Env.archiveApiUrl]: 'https://historical-forecast-api.open-meteo.com/v1',
      });
    });

    it('is polled by a schedule for each cadence, with short-lived events and few retries', () => {
      const polls = schedulesOf(arnOf(functionNamed('garoa-dev-ingest')));
      expect(polls.map(({ ScheduleExpression, Target }) => [ScheduleExpression, Target.Input])).toEqual([
        [
          'cron(* * * * ? *)',
          { scheduledTime: '<aws.scheduler.scheduled-time>', everyMinutes: 1, shard: 0, shards: 1 },
        ],
        [
          'cron(11/15 * * * ? *)',
          { scheduledTime: '<aws.scheduler.scheduled-time>', everyMinutes: 15, shard: 0, shards: 1 },
        ],
      ]);
      for (const { Target, FlexibleTimeWindow } of polls) {
        expect(FlexibleTimeWindow.Mode).toBe('OFF');
        expect(Target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 2 });
      }
    });
  });

  describe('a machine that Step Functions does not start', () => {
    const ofRule = z.looseObject({
      Targets: z.array(
        z.looseObject({
          DeadLetterConfig: z.object({ Arn: z.unknown() }),
          RetryPolicy: z.object({ MaximumEventAgeInSeconds: z.int(), MaximumRetryAttempts: z.int() }),
        }),
      ),
    });

    it('is asked for at most 11 times in six hours by its schedule, 6 times in two by an event; then the start lies in the queue', () => {
      const functions = resourcesOf(pipeline, 'AWS::Lambda::Function').map(arnOf);
      const scheduled = schedules.filter(({ Target }) => !functions.includes(text(Target.Arn)));
      const onEvents = resourcesOf(pipeline, 'AWS::Events::Rule').flatMap(
        ({ Properties }) => ofRule.parse(Properties).Targets,
      );
      const [queue = ''] = resourcesOf(pipeline, 'AWS::SQS::Queue')
        .filter(({ Properties }) => Properties.QueueName === 'garoa-dev-undelivered')
        .map(arnOf);
      const bounds = (targets: readonly z.infer<typeof ofRule>['Targets'][number][]) =>
        targets.map(({ RetryPolicy, DeadLetterConfig }) => [
          RetryPolicy.MaximumRetryAttempts + 1,
          RetryPolicy.MaximumEventAgeInSeconds / 3600,
          text(DeadLetterConfig.Arn),
        ]);
      expect(bounds(scheduled.map(({ Target }) => Target))).toEqual([
        [11, 6, queue],
        [11, 6, queue],
      ]);
      expect(bounds(onEvents)).toEqual([
        [6, 2, queue],
        [6, 2, queue],
      ]);
    });
  });

  describe('hourly', () => {
    it('runs at minute 5 and tries for most of the hour', () => {
      const [hourly, ...others] = schedulesOf(arnOf(functionNamed('garoa-dev-hourly')));
      expect(others).toEqual([]);
      expect(hourly).toMatchObject({
        ScheduleExpression: 'cron(5 * * * ? *)',
        Target: { Input: { scheduledTime: '<aws.scheduler.scheduled-time>' } },
      });
    });

    it('is woken by a machine of its own once a day, after the first run, to look after the lake', () => {
      const upkeep = schedules.find(({ Target }) => text(Target.Arn).startsWith('<Upkeep'));
      expect(upkeep).toMatchObject({
        ScheduleExpression: 'cron(25 0 * * ? *)',
        Target: { Input: { upkeep: true, scheduledTime: '<aws.scheduler.scheduled-time>' } },
      });
    });

    it("may have the provider's history fetched by the function that holds the key", () => {
      const ingest = arnOf(functionNamed('garoa-dev-ingest'));
      expect(permissions('garoa-dev-hourly')).toContain(`lambda:InvokeFunction ${ingest}`);
      expect(permissions('garoa-dev-hourly').filter((line) => line.includes('secretsmanager'))).toEqual([]);
    });

    it('writes pages and the latest forecasts into the models bucket, and no model, pointer or ledger', () => {
      expect(permissions('garoa-dev-hourly').filter((line) => line.includes(models))).toEqual([
        `s3:GetObject ${models}/*`,
        `s3:ListBucket ${models}`,
        `s3:PutObject ${models}/index.html`,
        `s3:PutObject ${models}/latest.json`,
        `s3:PutObject ${models}/pages/*`,
      ]);
    });

    it('deletes raw objects, which compaction has joined, and nothing in the processed zone', () => {
      const deletes = permissions('garoa-dev-hourly').filter((line) => line.startsWith('s3:DeleteObject'));
      expect(deletes).toEqual(
        [`s3:DeleteObject ${results}/*`, `s3:DeleteObject ${raw}/observations/*`].toSorted(),
      );
    });

    it('makes and drops staging tables, and can drop no declared one', () => {
      const catalogue = 'arn:<Partition>:glue:<Region>:<AccountId>';
      expect(permissions('garoa-dev-hourly').filter((line) => line.startsWith('glue:DeleteTable'))).toEqual([
        `glue:DeleteTable ${catalogue}:catalog`,
        `glue:DeleteTable ${catalogue}:database/garoa_dev`,
        `glue:DeleteTable ${catalogue}:table/garoa_dev/staging_*`,
      ]);
    });

    it('announces on the default bus, in the name of Garoa only', () => {
      expect(variablesOf('garoa-dev-hourly')[Env.eventBus]).toBe('default');
      expect(permissions('garoa-dev-hourly')).toContain(
        'events:PutEvents arn:<Partition>:events:<Region>:<AccountId>:event-bus/default',
      );
      expect(JSON.stringify(pipeline.toJSON())).toContain(
        '{"ForAllValues:StringEquals":{"events:source":"garoa"},"Null":{"events:source":"false"}}',
      );
    });
  });

  describe('retrain', () => {
    it('reads hours, writes models and evaluations, and never sees raw replies or the key', () => {
      const lines = permissions('garoa-dev-retrain');
      expect(lines.filter((line) => line.includes(raw) || line.includes('secretsmanager'))).toEqual([]);
      expect(lines.filter((line) => line.startsWith('s3:PutObject'))).toEqual(
        [
          `s3:PutObject ${models}/*`,
          `s3:PutObject ${processed}/model_metrics/*`,
          `s3:PutObject ${results}/*`,
        ].toSorted(),
      );
    });
  });

  describe('every schedule', () => {
    it('has a dead-letter queue, and a role that may reach its target and the queue and nothing else', () => {
      expect(schedules).toHaveLength(5);
      for (const { Target } of schedules) {
        const queue = text(Target.DeadLetterConfig.Arn);
        expect(resourcesOf(pipeline, 'AWS::SQS::Queue').map(arnOf)).toContain(queue);
        const target = text(Target.Arn);
        const action = /^<(Retraining|Upkeep)/.test(target)
          ? 'states:StartExecution'
          : 'lambda:InvokeFunction';
        expect(permissionsOf(pipeline, Target.RoleArn)).toEqual(
          [`${action} ${target}`, `sqs:SendMessage ${queue}`].toSorted(),
        );
      }
    });
  });

  describe('the state machines', () => {
    const machineNamed = (name: string) =>
      theResource(
        pipeline,
        'AWS::StepFunctions::StateMachine',
        ({ Properties }) => Properties.StateMachineName === name,
      );

    it('are standard ones, logged and traced', () => {
      const machines = resourcesOf(pipeline, 'AWS::StepFunctions::StateMachine');
      expect(machines.map(({ Properties }) => Properties.StateMachineName).toSorted()).toEqual([
        'garoa-dev-backfill',
        'garoa-dev-retrain',
        'garoa-dev-retrain-on-evidence',
        'garoa-dev-upkeep',
      ]);
      for (const { Properties } of machines) {
        expect(Properties).not.toHaveProperty('StateMachineType', 'EXPRESS');
        expect(Properties).toMatchObject({
          TracingConfiguration: { Enabled: true },
          LoggingConfiguration: { Level: 'ERROR' },
        });
      }
    });

    it('may call the functions that their definitions name', () => {
      const called = {
        'garoa-dev-backfill': ['garoa-dev-hourly', 'garoa-dev-ingest'],
        'garoa-dev-retrain': ['garoa-dev-retrain'],
      };
      for (const [name, names] of Object.entries(called)) {
        const { RoleArn, DefinitionString } = machineNamed(name).Properties;
        const arns = names.map((each) => arnOf(functionNamed(each)));
        expect(permissionsOf(pipeline, RoleArn).filter((line) => line.startsWith('lambda:'))).toEqual(
          arns.map((arn) => `lambda:InvokeFunction ${arn}`).toSorted(),
        );
        const mentioned = functions.map(arnOf).filter((arn) => text(DefinitionString).includes(arn));
        expect(mentioned.toSorted()).toEqual(arns.toSorted());
      }
    });

    it('let the backfill run its days as executions of its own, and redrive them', () => {
      const own = 'arn:<Partition>:states:<Region>:<AccountId>';
      const lines = permissionsOf(pipeline, machineNamed('garoa-dev-backfill').Properties.RoleArn);
      expect(lines).toEqual(
        expect.arrayContaining([
          `states:StartExecution ${own}:stateMachine:garoa-dev-backfill`,
          `states:RedriveExecution ${own}:execution:garoa-dev-backfill/Day:*`,
        ]),
      );
    });

    it.each([
      ['SkillBelowPersistence', 'garoa-dev-retrain-on-evidence', undefined],
      ['GapsFound', 'garoa-dev-backfill', '$.detail'],
    ])('are started by %s of their own stage: %s', (detailType, name, inputPath) => {
      const { Properties } = theResource(
        pipeline,
        'AWS::Events::Rule',
        (found) => found.Properties.Name === `garoa-dev-${detailType}`,
      );
      expect(Properties).toMatchObject({
        State: 'ENABLED',
        EventPattern: { source: ['garoa'], 'detail-type': [detailType], detail: { stage: ['dev'] } },
      });
      const [target, ...others] = z
        .array(
          z.looseObject({
            Arn: z.unknown(),
            RoleArn: z.unknown(),
            InputPath: z.string().optional(),
            DeadLetterConfig: z.looseObject({}),
          }),
        )
        .parse(Properties.Targets);
      expect(others).toEqual([]);
      const machine = `<${machineNamed(name).id}>`;
      expect(text(target?.Arn)).toBe(machine);
      expect(target?.InputPath).toBe(inputPath);
      expect(permissionsOf(pipeline, target?.RoleArn)).toEqual([`states:StartExecution ${machine}`]);
    });

    it('spread retraining over child executions when there are more locations than an inline Map serves', () => {
      const { Properties } = theResource(
        other.pipeline,
        'AWS::StepFunctions::StateMachine',
        (found) => found.Properties.StateMachineName === 'garoa-prod-retrain',
      );
      expect(text(Properties.DefinitionString)).toContain('"Mode":"DISTRIBUTED"');
    });
  });

  describe('the quota', () => {
    it('is told at synth, with a warning when the plan is too small', () => {
      expect(notes).toContainEqual(
        expect.stringContaining('3 locations: 92,442 calls a month to WeatherAPI.com'),
      );
      expect(notes.filter((note) => note.includes('The plan'))).toEqual([]);
      expect(other.notes).toContainEqual(expect.stringContaining('The plan Free holds 10,000 a day'));
    });
  });
}
