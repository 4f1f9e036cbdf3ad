import { plan } from '../../../lambdas/retrain/plan';
import { parseStep, type StepInput } from '../../../lambdas/retrain/steps';
import { settingsSchema } from '../../../lambdas/settings';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';

const settings = settingsSchema.parse({
  stage: 'test',
  provider: 'weatherapi',
  locations: ['ewr', 'jfk', 'buoy'].map((id) => ({
    id,
    name: id,
    query: id,
    timezone: 'UTC',
    forecast: id !== 'buoy',
  })),
  rainThresholdMm: 0.1,
  training: { windowDays: 30 },
});

describe('planning a run', () => {
  let local: LocalBucket;
  beforeEach(async () => {
    local = await openLocalBucket();
  });
  afterEach(() => local.close());

  const planned = (request: StepInput<'plan'>['request'], startedAt = '2013-12-01T00:10:00.123Z') =>
    plan({ settings, queryResults: local.bucket }, { step: 'plan', execution: 'run-1', startedAt, request });

  it('trains on base hours whose next hour is over, and on no more than the window', async () => {
    const { run } = await planned({ scheduledTime: '2013-12-01T00:00:00Z' });
    expect(run).toEqual({
      id: 'run-1',
      asOf: '2013-12-01T00:00:00Z',
      fromHour: '2013-11-01T00:00:00Z',
      toHour: '2013-11-30T22:00:00Z',
      reason: 'scheduled',
    });
  });

  it('counts an hour that has begun as not over', async () => {
    expect((await planned({ asOf: '2013-11-30T10:59:59Z' })).run.toHour).toBe('2013-11-30T08:00:00Z');
    expect((await planned({ asOf: '2013-11-30T11:00:00Z' })).run.toHour).toBe('2013-11-30T09:00:00Z');
  });

  it('knows the weather up to its start when nothing else is said', async () => {
    expect((await planned({})).run.asOf).toBe('2013-12-01T00:10:00Z');
  });

  it('takes the locations and the reason that it is given, each location once', async () => {
    const { run, chunks } = await planned({ locations: ['jfk', 'jfk'], reason: 'skill is lost' });
    expect(chunks).toEqual([{ first: 0, count: 1 }]);
    expect(run.reason).toBe('skill is lost');
  });

  it('refuses an unknown location and names it', async () => {
    await expect(planned({ locations: ['ewr', 'mars'] })).rejects.toMatchObject({
      name: 'Refused',
      message: 'Unknown location mars; configured are ewr, jfk.',
    });
  });

  it('trains no location that is only watched, and says so when it is ordered', async () => {
    expect((await planned({})).chunks).toEqual([{ first: 0, count: 2 }]);
    await expect(planned({ locations: ['ewr', 'buoy'] })).rejects.toMatchObject({
      name: 'Refused',
      message: 'Only watched, so without models: buoy.',
    });
  });

  it('refuses to know the future', async () => {
    await expect(planned({ asOf: '2013-12-02T00:00:00Z' })).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('lies in the future'),
    });
  });
});

describe('an event', () => {
  it.each([
    [{}, 'step'],
    [{ step: 'dance' }, 'step'],
    [{ step: 'plan', execution: 'a/b', startedAt: '2013-12-01T00:00:00Z', request: {} }, 'execution'],
    [{ step: 'plan', execution: 'a', startedAt: 'now', request: {} }, 'startedAt'],
    [{ step: 'plan', execution: 'a', startedAt: '2013-12-01T00:00:00Z', request: { place: 'x' } }, 'request'],
    [{ step: 'promote', location: 'ewr' }, 'version'],
    [null, 'expected object'],
  ])('%j is refused with the path of what is wrong', (event, path) => {
    expect(() => parseStep(event)).toThrow(expect.objectContaining({ name: 'Refused' }));
    expect(() => parseStep(event)).toThrow(path);
  });
});
