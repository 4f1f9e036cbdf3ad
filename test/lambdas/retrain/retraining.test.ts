import * as z from 'zod';
import { keys } from '../../../lambdas/lake/layout';
import { decodeParquet } from '../../../lambdas/lake/parquet';
import { getObject, getText, putObject } from '../../../lambdas/lake/s3';
import { brier, evaluate } from '../../../lambdas/model/evaluation';
import {
  assessmentSchema,
  championsSchema,
  type EvaluationFile,
  evaluationFileSchema,
  metricsSchema,
  runSummarySchema,
} from '../../../lambdas/model/metrics-file';
import { modelSchema } from '../../../lambdas/model/model-file';
import { featureNames } from '../../../lambdas/model/neighbours';
import { splitDevelopmentTest } from '../../../lambdas/model/protocol';
import { SEARCH_ROUNDS } from '../../../lambdas/model/recipe';
import { championAt, readChampion, readLedger } from '../../../lambdas/model/registry';
import { fitClassifier, fitDecision } from '../../../lambdas/model/train';
import { runFiles } from '../../../lambdas/retrain/run-files';
import { runStep, type StepDependencies } from '../../../lambdas/retrain/run-step';
import {
  inspectOutput,
  parseStep,
  planOutput,
  refineOutput,
  refitOutput,
  runKeys,
  testOutput,
} from '../../../lambdas/retrain/steps';
import { parseTrainingSet } from '../../../lambdas/retrain/training-set-file';
import { settingsSchema } from '../../../lambdas/settings';
import type { AwsCall, Fault } from '../../../lib/local/wire/calls';
import { type LocalBucket, openLocalBucket } from '../lake/local-bucket';
import { modelFile } from '../model/model-file-fixture';
import { settings, stepDependencies } from './dependencies';
import { invent, type Row, trainingSetFile } from './weather';

const HOURS = 20 * 24;
const WEEK_HOURS = 7 * 24;
/** Enough to judge full recipes by; what is shorter is left to the first rung. */
const JUDGEABLE_HOURS = 12 * WEEK_HOURS;

describe('retraining a location, step by step as the state machine does', () => {
  let local: LocalBucket;
  let fault: (call: AwsCall) => Fault | undefined;
  let dependencies: StepDependencies;

  beforeEach(async () => {
    fault = () => undefined;
    local = await openLocalBucket((call) => fault(call));
    dependencies = stepDependencies(local.bucket);
  });
  afterEach(() => local.close());

  const step = (event: unknown) => runStep(dependencies, parseStep(event));

  async function plan(request: object = { scheduledTime: '2013-03-01T00:00:00Z' }, execution = 'run-1') {
    const planned = planOutput.parse(
      await step({ step: 'plan', execution, startedAt: '2013-03-01T00:10:00.000Z', request }),
    );
    return planned.run;
  }

  const placeTrainingSet = (run: { id: string }, location: string, rows: readonly Row[]) =>
    putObject(
      local.bucket,
      runKeys.trainingSet(run.id, location),
      trainingSetFile(rows),
      'application/octet-stream',
    );

  /** Inspect, search, test: all before the gate's decision is carried out. */
  async function assess(run: z.infer<typeof planOutput>['run'], location: string) {
    const inspected = inspectOutput.parse(await step({ step: 'inspect', run, location }));
    if (!inspected.trainable) return inspected;
    let { round, batches } = inspected;
    while (batches.length > 0) {
      for (const batch of batches) await step({ step: 'score', run, location, batch });
      ({ round, batches } = refineOutput.parse(await step({ step: 'refine', run, location, round })));
    }
    return testOutput.parse(await step({ step: 'test', run, location }));
  }

  /** What one branch of the machine does with one location. */
  async function retrain(run: z.infer<typeof planOutput>['run'], location: string): Promise<unknown> {
    const assessed = await assess(run, location);
    if (!('decision' in assessed) || assessed.decision === 'keep') {
      return step({ step: 'keep', run, location, reasons: assessed.reasons });
    }
    const { decision, expectedChampion } = assessed;
    const { version, outcome } = refitOutput.parse(
      await step({ step: 'refit', run, location, decision, expectedChampion }),
    );
    return step({
      step: 'promote',
      location,
      version,
      at: '2013-03-01T00:20:00.000Z',
      decision: { run, outcome, expectedChampion },
    });
  }

  const readJson = async <T>(key: string, schema: z.ZodType<T>) =>
    schema.parse(JSON.parse((await getText(local.bucket, key)) ?? 'null'));

  const evaluationOf = (run: { id: string }, location: string): Promise<EvaluationFile> =>
    readJson(runKeys.outcome(run.id, location), evaluationFileSchema);

  it('promotes a first champion whose stored files account for every figure', async () => {
    const run = await plan();
    await placeTrainingSet(run, 'ewr', invent(HOURS));
    expect(await retrain(run, 'ewr')).toBe('promoted');

    const { current } = await readChampion(local.bucket, 'ewr');
    const version = current?.version ?? '';
    expect(version).toMatch(/^20130301T000000Z-[0-9a-f]{8}$/);
    expect(current?.model.training).toMatchObject({ rows: HOURS, from: '2013-01-01T00:00:00Z' });

    const metrics = await readJson(keys.metrics('ewr', version), metricsSchema);
    const forecasts = await decodeParquet(
      (await getObject(local.bucket, keys.testForecasts('ewr', version)))?.bytes ?? new Uint8Array(),
      ['hour', 'probability', 'outcome', 'wet_now', 'persistence_probability', 'climatology_probability'],
      z.object({
        hour: z.string(),
        probability: z.number(),
        outcome: z.number(),
        wet_now: z.number().nullable(),
        persistence_probability: z.number(),
        climatology_probability: z.number(),
      }),
    );
    const outcomes = Uint8Array.from(forecasts, ({ outcome }) => outcome);
    const wetNow = Float64Array.from(forecasts, ({ wet_now }) => wet_now ?? Number.NaN);
    const of = (name: 'probability' | 'persistence_probability' | 'climatology_probability') =>
      Float64Array.from(forecasts, (row) => row[name]);
    expect(metrics.test).toMatchObject(evaluate(outcomes, of('probability'), wetNow, metrics.test.threshold));
    expect(metrics.persistence).toEqual(
      evaluate(outcomes, of('persistence_probability'), wetNow, metrics.persistence.threshold),
    );
    expect(metrics.climatology.brier).toBe(brier(outcomes, of('climatology_probability')));
    expect(metrics.test.brier).toBeLessThan(metrics.persistence.brier);
    expect([forecasts[0]?.hour, forecasts.at(-1)?.hour]).toEqual([metrics.test.from, metrics.test.to]);
  });

  it('fits the model that goes to work on all rows, and takes the test part into its threshold', async () => {
    const run = await plan();
    const rows = invent(2 * HOURS);
    await placeTrainingSet(run, 'ewr', rows);
    expect(await retrain(run, 'ewr')).toBe('promoted');
    const { current } = await readChampion(local.bucket, 'ewr');
    const set = await parseTrainingSet('ewr', trainingSetFile(rows));
    const { recipe } = await readJson(runKeys.assessment(run.id, 'ewr'), assessmentSchema);
    const tested = await runFiles.testedValues.read(local.bucket, run.id, 'ewr');
    const { test } = splitDevelopmentTest(set);
    expect(tested.hours.slice(-(test.end - test.start))).toEqual(Array.from(set.hours.slice(test.start)));

    const learnt = fitClassifier(set, recipe, { start: 0, end: set.hours.length }, () => 60_000);
    expect(current?.model.linear).toEqual(JSON.parse(JSON.stringify(learnt.linear)));
    expect(current?.model.threshold).toBe(fitDecision(set, recipe, tested).threshold);
    const before = tested.hours.length - (test.end - test.start);
    const without = {
      hours: tested.hours.slice(0, before),
      values: tested.values.map((member) => member.slice(0, before)),
    };
    expect(fitDecision(set, recipe, without).threshold).not.toBe(current?.model.threshold);
  });

  it('gives the same model, to the byte, whatever the run is called', async () => {
    const bytes: (string | undefined)[] = [];
    for (const name of ['run-1', 'run-2']) {
      const run = await plan(undefined, name);
      await placeTrainingSet(run, 'ewr', invent(HOURS));
      const assessed = testOutput.parse(await assess(run, 'ewr'));
      const { decision, expectedChampion } = assessed;
      const { version } = refitOutput.parse(
        await step({ step: 'refit', run, location: 'ewr', decision, expectedChampion }),
      );
      bytes.push(await getText(local.bucket, keys.model('ewr', version)));
    }
    expect(bytes[0]).toBeDefined();
    expect(bytes[1]).toBe(bytes[0]);
  });

  it('chooses the same recipe and tests the same model whatever comes once the test part begins', async () => {
    const rows = invent(HOURS);
    const testStart = HOURS - WEEK_HOURS;
    const other = invent(HOURS, 99);
    const fromTestOn = (change: (row: Row, i: number) => Row) =>
      rows.map((row, i) => (i < testStart ? row : change(row, i)));
    const variants = {
      'run-as-it-was': rows,
      'run-with-noise': fromTestOn((row, i) => ({ ...other[i], hour: row.hour ?? null })),
      'run-with-other-outcomes': fromTestOn((row, i) => ({ ...row, label: other[i]?.label ?? 0 })),
    };
    const results = [];
    for (const [name, set] of Object.entries(variants)) {
      const run = await plan(undefined, name);
      await placeTrainingSet(run, 'ewr', set);
      await assess(run, 'ewr');
      const { recipe, candidates, development, test, persistence } = await readJson(
        runKeys.assessment(run.id, 'ewr'),
        assessmentSchema,
      );
      const stored = await getObject(local.bucket, runKeys.testForecasts(run.id, 'ewr'));
      results.push({
        chosen: { recipe, candidates, development },
        thresholds: [test.threshold, persistence.threshold],
        said: await decodeParquet(
          stored?.bytes ?? new Uint8Array(),
          ['hour', 'probability', 'persistence_probability', 'climatology_probability'],
          z.looseObject({ probability: z.number() }),
        ),
      });
    }
    const [asItWas, withNoise, withOtherOutcomes] = results;
    expect(withNoise?.chosen).toEqual(asItWas?.chosen);
    expect(withNoise?.thresholds).toEqual(asItWas?.thresholds);
    expect(withNoise?.said).not.toEqual(asItWas?.said);
    // The same weather before it: the tested model says the same to the last digit, whatever came of it.
    expect(withOtherOutcomes).toEqual(asItWas);
    expect(asItWas?.said).toHaveLength(HOURS - testStart);
  });

  it('finds no skill where labels are shuffled, and says so', async () => {
    const hours = 4 * HOURS;
    const rows = invent(hours);
    const shuffled = rows.map((row, i) => ({ ...row, label: rows[(i * 577) % hours]?.label ?? 0 }));
    const run = await plan();
    await placeTrainingSet(run, 'ewr', shuffled);
    await retrain(run, 'ewr');
    const { assessment } = await evaluationOf(run, 'ewr');
    expect(assessment?.test.rocAuc).toBeLessThan(0.65);
    expect(assessment?.comparisons.persistence.verdict).not.toBe('better');
  });

  it("refreshes the champion's recipe with new data when the search finds nothing clearly better", async () => {
    const first = await plan(undefined, 'run-1');
    await placeTrainingSet(first, 'ewr', invent(HOURS));
    await retrain(first, 'ewr');
    const second = await plan({ scheduledTime: '2013-03-01T00:05:00Z' }, 'run-2');
    await placeTrainingSet(second, 'ewr', invent(HOURS + WEEK_HOURS));
    expect(await retrain(second, 'ewr')).toBe('refreshed');

    const ledger = await readLedger(local.bucket, 'ewr');
    expect(ledger.map(({ outcome, run }) => [outcome, run])).toEqual([
      ['promoted', 'run-1'],
      ['refreshed', 'run-2'],
    ]);
    const { current } = await readChampion(local.bucket, 'ewr');
    expect(current?.model.training.rows).toBe(HOURS + WEEK_HOURS);
    const { assessment } = await evaluationOf(second, 'ewr');
    expect(assessment?.champion?.version).toBe(ledger[0]?.version);
  });

  it('drops its promotion when another one came between the test and the end', async () => {
    const slow = await plan(undefined, 'run-1');
    const fast = await plan(undefined, 'run-2');
    for (const run of [slow, fast]) await placeTrainingSet(run, 'ewr', invent(HOURS));
    const assessed = testOutput.parse(await assess(slow, 'ewr'));
    expect(await retrain(fast, 'ewr')).toBe('promoted');
    const { decision, expectedChampion } = assessed;
    const { version, outcome } = refitOutput.parse(
      await step({ step: 'refit', run: slow, location: 'ewr', decision, expectedChampion }),
    );
    const promotion = { step: 'promote', location: 'ewr', version, at: '2013-03-01T01:00:00Z' };
    expect(await step({ ...promotion, decision: { run: slow, outcome, expectedChampion } })).toBe('kept');
    expect((await evaluationOf(slow, 'ewr')).reasons.at(-1)).toContain('Another promotion came first');
    expect((await readLedger(local.bucket, 'ewr')).map(({ run }) => run)).toEqual(['run-2']);
  });

  it.each([
    ['no hour at all', undefined, 'There is no hour to train on'],
    ['too few hours', invent(200), 'There are 200 hours to train on; 240 are needed.'],
    [
      'too little rain',
      invent(HOURS).map((row, i) => (i < HOURS - 24 ? { ...row, label: 0 } : row)),
      'rain episodes to learn from; 4 are needed',
    ],
  ])('makes no challenger of a location with %s, and says why', async (_, rows, reason) => {
    const run = await plan();
    if (rows !== undefined) await placeTrainingSet(run, 'ewr', rows);
    expect(await retrain(run, 'ewr')).toBe('kept');
    const evaluation = await evaluationOf(run, 'ewr');
    expect(evaluation.reasons.join(' ')).toContain(reason);
    expect(evaluation.assessment).toBeNull();
    expect((await readChampion(local.bucket, 'ewr')).current).toBeUndefined();
  });

  it('refuses a damaged training set', async () => {
    const run = await plan();
    await putObject(local.bucket, runKeys.trainingSet(run.id, 'ewr'), 'PAR1, or not', 'text/plain');
    await expect(retrain(run, 'ewr')).rejects.toThrow('not a Parquet file');
  });

  it('leaves the champion of a location whose training set is damaged as it is, and says so', async () => {
    const healthy = await plan(undefined, 'run-1');
    await placeTrainingSet(healthy, 'ewr', invent(HOURS));
    expect(await retrain(healthy, 'ewr')).toBe('promoted');
    const before = await getText(local.bucket, keys.champion('ewr'));

    const run = await plan(undefined, 'run-2');
    await putObject(local.bucket, runKeys.trainingSet(run.id, 'ewr'), 'PAR1, or not', 'text/plain');
    const { name, message } = await retrain(run, 'ewr').then(
      () => new Error('it was trained'),
      (error: unknown) => z.instanceof(Error).parse(error),
    );
    const error = { Error: name, Cause: JSON.stringify({ errorMessage: message }) };
    expect(await step({ step: 'fail', run, location: 'ewr', error })).toBe('failed');

    expect(await getText(local.bucket, keys.champion('ewr'))).toBe(before);
    expect(await readLedger(local.bucket, 'ewr')).toHaveLength(1);
    expect((await evaluationOf(run, 'ewr')).reasons.join()).toContain('not a Parquet file');
  });

  it('looks closer at the best recipe, again and again, until the search may try no more', async () => {
    dependencies = {
      ...dependencies,
      settings: { ...settings, training: { ...settings.training, candidates: 14 } },
    };
    const run = await plan();
    await placeTrainingSet(run, 'ewr', invent(JUDGEABLE_HOURS));
    const { round, batches } = inspectOutput.parse(await step({ step: 'inspect', run, location: 'ewr' }));
    for (const batch of batches) await step({ step: 'score', run, location: 'ewr', batch });
    const first = batches.reduce((sum, { count }) => sum + count, 0);

    const refine = async () =>
      refineOutput.parse(await step({ step: 'refine', run, location: 'ewr', round }));
    const closer = await refine();
    // Beside the search stand the first rung and four recipes of baselines.
    expect(closer.round).toBe(1);
    expect(closer.batches[0]?.first).toBe(first);
    expect(first + closer.batches.reduce((sum, { count }) => sum + count, 0)).toBe(14 + 5);
    expect(await refine()).toEqual(closer);
    for (const batch of closer.batches) await step({ step: 'score', run, location: 'ewr', batch });
    expect(
      refineOutput.parse(await step({ step: 'refine', run, location: 'ewr', round: closer.round })).batches,
    ).toEqual([]);
    const last = { step: 'refine', run, location: 'ewr', round: SEARCH_ROUNDS - 1 };
    expect(refineOutput.parse(await step(last))).toMatchObject({ round: SEARCH_ROUNDS - 1, batches: [] });
  });

  it('replaces a champion of another feature list, and says that its recipe had no part', async () => {
    const old = '20130201T000000Z-0123abcd';
    const model = modelFile('ewr', old);
    await putObject(local.bucket, keys.model('ewr', old), JSON.stringify(model), 'application/json');
    await step({ step: 'promote', location: 'ewr', version: old, at: '2013-02-01T00:00:00Z' });
    const names = ['moon_phase', ...featureNames(0).slice(1)];
    await putObject(
      local.bucket,
      keys.model('ewr', old),
      JSON.stringify({ ...model, featureNames: names }),
      'application/json',
    );

    const run = await plan();
    await placeTrainingSet(run, 'ewr', invent(HOURS));
    expect(await retrain(run, 'ewr')).toBe('promoted');
    const { assessment } = await evaluationOf(run, 'ewr');
    expect(assessment?.champion).toBeNull();
    expect(assessment?.championReason).toContain('moon_phase');
  });

  it('replaces a champion whose pointer is damaged', async () => {
    await putObject(local.bucket, keys.champion('ewr'), '{"version"', 'application/json');
    const run = await plan();
    await placeTrainingSet(run, 'ewr', invent(HOURS));
    expect(await retrain(run, 'ewr')).toBe('promoted');
    expect((await evaluationOf(run, 'ewr')).assessment?.championReason).toContain('champion.json');
    expect((await readChampion(local.bucket, 'ewr')).refused).toEqual([]);
  });

  it("makes members and a plain calibration that the provider's forecasts change no bit of", async () => {
    const run = await plan();
    const rows = invent(JUDGEABLE_HOURS);
    await placeTrainingSet(run, 'ewr', rows);
    const { decision, expectedChampion } = testOutput.parse(await assess(run, 'ewr'));
    const refit = async () => {
      const { version } = refitOutput.parse(
        await step({ step: 'refit', run, location: 'ewr', decision, expectedChampion }),
      );
      return readJson(keys.model('ewr', version), z.looseObject({ joined: z.unknown() }));
    };
    const without = await refit();
    // Forecasts that know what comes in four hours of five.
    const said = rows.map(({ label }, i) => (i % 5 === 0 ? 0.5 : label === 1 ? 0.9 : 0.1));
    await placeTrainingSet(
      run,
      'ewr',
      rows.map((row, i) => ({ ...row, provider_probability: said[i] ?? null })),
    );
    const known = await refit();
    expect(without).toMatchObject({ joined: null, recalibration: null });
    expect(known).toMatchObject({ joined: { speaks: true }, recalibration: { terms: ['root probability'] } });
    for (const part of ['recipe', 'preprocessing', 'supportVectors', 'members', 'linear', 'calibration']) {
      expect({ [part]: JSON.stringify(known[part]) }).toEqual({ [part]: JSON.stringify(without[part]) });
    }
    expect(without.members).not.toEqual([]);
  });

  it('goes on without the recipes that can not be fitted', async () => {
    const run = await plan();
    await placeTrainingSet(run, 'ewr', invent(JUDGEABLE_HOURS));
    const impatient = { ...dependencies, remainingMs: () => 0 };
    const { batches } = inspectOutput.parse(await step({ step: 'inspect', run, location: 'ewr' }));
    for (const batch of batches) {
      await runStep(impatient, parseStep({ step: 'score', run, location: 'ewr', batch }));
    }
    // A logistic regression is fitted in an instant; support vector machines are given up.
    expect(testOutput.parse(await step({ step: 'test', run, location: 'ewr' })).decision).toBe('promote');
    const { winner, candidates } = await readJson(runKeys.assessment(run.id, 'ewr'), assessmentSchema);
    expect(winner).toBe('first rung');
    expect(candidates.map(({ status }) => status)).toContain('refused');
  });

  it('keeps the champion when no recipe can be fitted', async () => {
    const run = await plan();
    const silent = Object.fromEntries(featureNames(0).map((name) => [name, null]));
    await placeTrainingSet(
      run,
      'ewr',
      invent(HOURS).map((row) => ({ ...row, ...silent })),
    );
    const assessed = testOutput.parse(await assess(run, 'ewr'));
    expect(assessed.decision).toBe('keep');
    expect(assessed.reasons).toEqual(['No recipe could be fitted.', expect.stringContaining('constant')]);
  });

  it('repeats any step without changing what the run comes to', async () => {
    const run = await plan();
    await placeTrainingSet(run, 'ewr', invent(HOURS));
    expect(await retrain(run, 'ewr')).toBe('promoted');
    const before = await getText(local.bucket, runKeys.outcome(run.id, 'ewr'));
    const { current } = await readChampion(local.bucket, 'ewr');
    const repeated = await step({
      step: 'promote',
      location: 'ewr',
      version: current?.version,
      at: '2013-03-01T00:45:00Z',
      decision: { run, outcome: 'promoted', expectedChampion: null },
    });
    expect(repeated).toBe('promoted');
    expect(await getText(local.bucket, runKeys.outcome(run.id, 'ewr'))).toBe(before);
    expect(await readLedger(local.bucket, 'ewr')).toHaveLength(1);
  });

  it('publishes every outcome: the run, its rows, and a location that left none', async () => {
    const run = await plan();
    await placeTrainingSet(run, 'ewr', invent(HOURS));
    expect(await retrain(run, 'ewr')).toBe('promoted');
    expect(
      await step({
        step: 'fail',
        run,
        location: 'jfk',
        error: { Error: 'TrainingSetDamaged', Cause: '{"errorMessage":"column label: a null"}' },
      }),
    ).toBe('failed');
    const summary = runSummarySchema.parse(await step({ step: 'publish', run, at: '2013-03-01T00:30:00Z' }));
    expect(summary).toMatchObject({ locations: 3, promoted: 1, refreshed: 0, kept: 0, failed: 2 });
    expect(summary.results.map(({ location, outcome, reason }) => [location, outcome, reason])).toEqual([
      ['ewr', 'promoted', expect.stringContaining('not significantly worse than persistence')],
      ['jfk', 'failed', 'TrainingSetDamaged: column label: a null'],
      ['lga', 'failed', expect.stringContaining('before anything was recorded')],
    ]);
    const text = await getText(local.bucket, keys.modelMetrics('2013-03-01', run.id));
    const rows = (text ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
    const { current } = await readChampion(local.bucket, 'ewr');
    expect(rows[0]).toMatchObject({
      location_id: 'ewr',
      outcome: 'promoted',
      version: current?.version,
      champion_since: '2013-03-01T00:20:00Z',
      test_brier: current?.model.metrics.brier,
    });
    expect(rows.map(({ outcome }) => outcome)).toEqual(['promoted', 'failed', 'failed']);

    // Read whole every hour: of thousands of places it holds what the index says of each.
    const champions = (await getText(local.bucket, keys.champions)) ?? '';
    const [first, ...others] = championsSchema.parse(JSON.parse(champions)).locations;
    expect(first).toMatchObject({ location: 'ewr', lastRun: { outcome: 'promoted', run: run.id } });
    expect(others.map(({ lastRun }) => lastRun?.outcome)).toEqual(['failed', undefined]);
    expect(champions.length).toBeLessThan(3 * 700);
  });

  it('keeps what its state hands on far below the limit of a state', async () => {
    const many = settingsSchema.parse({
      ...settings,
      locations: Array.from({ length: 5_000 }, (_, i) => ({
        id: `place-with-a-long-name-${i}`,
        name: 'x',
        query: 'x',
        timezone: 'UTC',
      })),
    });
    dependencies = { ...dependencies, settings: many };
    const planned = planOutput.parse(
      await step({ step: 'plan', execution: 'run-1', startedAt: '2013-03-01T00:10:00Z', request: {} }),
    );
    expect(planned.chunks).toHaveLength(50);
    expect(JSON.stringify(planned).length).toBeLessThan(10_000);
    const items = await readJson(planned.locationsKey, z.array(z.object({ location: z.string() })));
    expect(items).toHaveLength(5_000);
  });

  describe('a rollback', () => {
    const A = '20130201T000000Z-aaaaaaaa';
    const B = '20130208T000000Z-bbbbbbbb';
    beforeEach(async () => {
      for (const version of [A, B]) {
        const model = JSON.stringify(modelFile('ewr', version));
        await putObject(local.bucket, keys.model('ewr', version), model, 'application/json');
        await step({
          step: 'promote',
          location: 'ewr',
          version,
          at: `${version.slice(0, 4)}-02-08T00:00:00Z`,
        });
      }
    });

    it('makes an older version champion again, now if no time is given', async () => {
      const entry = await step({ step: 'promote', location: 'ewr', version: A, reason: 'B cries wolf' });
      expect(entry).toMatchObject({
        outcome: 'restored',
        since: '2013-03-01T12:00:00Z',
        reason: 'B cries wolf',
      });
      expect((await readChampion(local.bucket, 'ewr')).current?.version).toBe(A);
      expect((await championAt(local.bucket, 'ewr', '2013-02-20T00:00:00Z'))?.version).toBe(B);
      const row = await getText(local.bucket, keys.modelMetrics('2013-03-01', 'ewr-20130301T120000Z'));
      expect(JSON.parse(row ?? 'null')).toMatchObject({
        location_id: 'ewr',
        version: A,
        outcome: 'restored',
      });
      expect(await getText(local.bucket, keys.page('ewr'))).toContain('B cries wolf');
    });

    it('stands when the page can not be made anew, and the log names the page and the reason', async () => {
      fault = ({ operation, subject }) =>
        operation === 'PutObject' && subject.endsWith(keys.page('ewr')) ? { kind: 'serverError' } : undefined;
      const noted: unknown[] = [];
      dependencies = { ...dependencies, note: (message, fields) => noted.push({ message, ...fields }) };
      await step({ step: 'promote', location: 'ewr', version: A });
      expect((await readChampion(local.bucket, 'ewr')).current?.version).toBe(A);
      expect(noted).toEqual([
        {
          message: expect.stringContaining('The page was not made anew'),
          key: keys.page('ewr'),
          reason: expect.stringContaining('The page of ewr could not be made: InternalError'),
        },
      ]);
    });

    it.each([
      [
        { location: 'ewr', version: '20130215T000000Z-cccccccc' },
        'there is no ewr/20130215T000000Z-cccccccc/model.json',
      ],
      [{ location: 'mars', version: A }, 'Unknown location mars'],
      [{ location: 'ewr', version: '../jfk' }, 'not a version such as'],
      [{ location: 'ewr', version: A, at: '2013-03-02T00:00:00Z' }, 'has not come yet; it is 2013-03-01T12'],
      [{ location: 'ewr', version: A, at: '2013-02-07T00:00:00Z' }, 'is before the newest promotion of ewr'],
    ])('refuses %j', async (target, reason) => {
      await expect(async () => step({ step: 'promote', ...target })).rejects.toMatchObject({
        name: 'Refused',
        message: expect.stringContaining(reason),
      });
      expect((await readChampion(local.bucket, 'ewr')).current?.version).toBe(B);
    });
  });
});

describe('the model file', () => {
  it('of the fixture is one that the code accepts', () => {
    expect(modelSchema.safeParse(modelFile('ewr', 'v')).success).toBe(true);
  });
});
