import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { indexPage } from '../../../lambdas/pages/index-page';
import { placePage } from '../../../lambdas/pages/place-page';
import { describeInBrowser, faultsOf, NOTHING_WRONG } from './browser';
import {
  aLocation,
  aPlace,
  aPlacePage,
  aTest,
  GENERATED_AT,
  hostileName,
  manyPlaces,
  nothingYet,
  recentHours,
} from './content';

/** Pages of unusual content; those that a run makes are looked at in `pipeline.test.ts`. */
describeInBrowser('pages of unusual content', (browser) => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'garoa-pages-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function stored(name: string, html: string): string {
    const file = join(directory, `${name}.html`);
    writeFileSync(file, html);
    return pathToFileURL(file).href;
  }

  const index = (...places: ReturnType<typeof aPlace>[]) =>
    indexPage({ generatedAt: GENERATED_AT, places, notes: [] });
  const hostile = aLocation({ name: hostileName });
  const noForecasts = recentHours().map((hour) => ({ ...hour, probability: null, willRain: null }));

  it.each([
    ['an index of one place, of a hostile name', () => index(aPlace({ location: hostile }))],
    ['an index before anything has happened', () => index(nothingYet())],
    [
      'a place of a hostile name, without a single forecast',
      () =>
        placePage(
          aPlacePage({
            location: hostile,
            recent: noForecasts,
            champions: [],
            tested: aTest({ testForecasts: [] }),
          }),
        ),
    ],
    [
      'a place whose recipes differ in everything',
      () => placePage(aPlacePage({ tested: aTest({ metrics: withVariedRecipes() }) })),
    ],
  ])('holds %s', async (name, html) => {
    expect(await faultsOf(browser(), stored(name, html()))).toEqual(NOTHING_WRONG);
  });

  /** Each candidate with other words in every column of the table. */
  function withVariedRecipes(): ReturnType<typeof aTest>['metrics'] {
    const { metrics } = aTest();
    const { recipe } = metrics;
    const member = { c: 12.5, gammaScale: 0.25, positiveWeight: 3.5 };
    const other: typeof recipe = {
      ...recipe,
      kernel: 'laplacian',
      members: [member, { ...member, c: 50, positiveWeight: 1 }, { ...member, gammaScale: 2 }],
      linear: { ridge: 0.001 },
      featureGroups: ['state', 'rain', 'change', 'past', 'clock', 'season', 'neighbours'],
      windowRows: 150_000,
      calibration: 'logistic-by-present',
    };
    return {
      ...metrics,
      candidates: metrics.candidates.flatMap((tried) => [tried, { ...tried, recipe: other }]),
    };
  }

  it('holds an index of 300 places', async () => {
    // What its parts are made of is looked at above; axe-core takes its time over so many.
    expect(await faultsOf(browser(), stored('many', index(...manyPlaces(300))), [])).toEqual(NOTHING_WRONG);
  });

  it('searches, filters and sorts the places of an index', async () => {
    const page = await browser().newPage({ viewport: { width: 390, height: 900 } });
    await page.goto(stored('sorted', index(...manyPlaces(300))));
    const names = () => page.locator('#places tbody tr:not([hidden]) a').allInnerTexts();
    await page.getByLabel('Search').fill('place 25');
    expect((await names()).sort()).toEqual(['Place 25', ...[...'0123456789'].map((d) => `Place 25${d}`)]);
    expect(await page.locator('#shown').innerText()).toBe('11 of 300');
    await page.getByLabel('Search').fill('');
    await page.getByLabel('Show').selectOption('rain');
    expect(await names()).toEqual(['Place 100']);
    await page.getByLabel('Show').selectOption('all');
    await page.getByRole('button', { name: 'Place' }).click();
    expect((await names()).slice(0, 3)).toEqual(['Place 0', 'Place 1', 'Place 10']);
    await page.getByRole('button', { name: 'Place' }).click();
    expect((await names())[0]).toBe('Place 99');
    await page.close();
  });

  it('reads without its script', async () => {
    const context = await browser().newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(stored('unscripted', index(...manyPlaces(3))));
    expect(await page.locator('#places tbody tr').count()).toBe(3);
    expect(await page.getByLabel('Search').isVisible()).toBe(false);
    await context.close();
  });

  it('shows a hostile name as it is written, and runs none of it', async () => {
    const page = await browser().newPage();
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      return dialog.dismiss();
    });
    await page.goto(stored('hostile', index(aPlace({ location: hostile }))));
    expect(await page.locator('#places th a').innerText()).toBe(hostileName);
    expect(dialogs).toEqual([]);
    await page.close();
  });
});
