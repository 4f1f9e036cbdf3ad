import { requestSchema } from '../../../../lambdas/retrain/steps';
import { evidenceDefinition } from '../../../../lib/pipeline/evidence/definition';
import { machineArn, problemsOf, stateMachines } from '../../state-machine-run';

const definition = evidenceDefinition({
  retrainingArn: machineArn('retrain'),
  everyDays: 7,
  partition: 'aws',
});
const retraining = {
  QueryLanguage: 'JSONata',
  StartAt: 'Retrain',
  States: { Retrain: { Type: 'Succeed' } },
};

const event = (time: string, locationIds: readonly string[]) => ({
  source: 'garoa',
  'detail-type': 'SkillBelowPersistence',
  time,
  detail: { version: 1, stage: 'test', date: time.slice(0, 10), windowDays: 7, locationIds },
});

const started = () => {
  const machines = stateMachines({ evidence: definition, retrain: retraining }, '2013-12-05T01:05:00Z');
  return {
    ...machines,
    retrainings: () => machines.list().filter(({ machine }) => machine === 'retrain'),
  };
};

describe('retraining on evidence', () => {
  it('is valid Amazon States Language', () => {
    expect(problemsOf(definition)).toBe('');
  });

  it('retrains the locations of the event, with a request that the retraining machine takes', async () => {
    const { run, retrainings } = started();
    const { execution } = await run('evidence', event('2013-12-05T01:05:00Z', ['ewr', 'jfk']));
    expect(execution.status).toBe('SUCCEEDED');
    expect(retrainings().map(({ input }) => requestSchema.parse(input))).toEqual([
      { locations: ['ewr', 'jfk'], reason: 'Worse than persistence over the 7 days up to 2013-12-05' },
    ]);
  });

  it('retrains once in a period, however often the event comes', async () => {
    const { run, retrainings } = started();
    const days = ['2013-12-05', '2013-12-06', '2013-12-07', '2013-12-12'];
    const ends: unknown[] = [];
    for (const day of days) {
      ends.push((await run('evidence', event(`${day}T01:05:00Z`, ['ewr']))).states.at(-1));
    }
    expect(ends).toEqual([
      'Retraining started',
      'Retrained in this period already',
      'Retrained in this period already',
      'Retraining started',
    ]);
    expect(retrainings()).toHaveLength(2);
  });

  it('names executions within the 80 characters that Step Functions takes', async () => {
    const { run, retrainings } = started();
    await run('evidence', event('2113-12-05T01:05:00Z', ['x'.repeat(64)]));
    expect(retrainings()[0]?.name.length).toBeLessThanOrEqual(80);
  });
});
