import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { indexPage } from '../../../lambdas/pages/index-page';
import { modelPage } from '../../../lambdas/pages/model-page';
import { describeInBrowser, faultsOf, NOTHING_WRONG } from './browser';
import {
  aLocation,
  aModelPage,
  aPlace,
  GENERATED_AT,
  hostileName,
  nothingYet,
  recentHours,
  threeHundredPlaces,
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

  const index = (...places: ReturnType<typeof aPlace>[]) => indexPage({ generatedAt: GENERATED_AT, places });
  const hostile = aLocation({ name: hostileName });
  const noForecasts = recentHours().map((hour) => ({ ...hour, probability: null, willRain: null }));

  it.each([
    ['an index of one place, of a hostile name', () => index(aPlace({ location: hostile }))],
    ['an index before anything has happened', () => index(nothingYet())],
    [
      'a model of a hostile name, without a single forecast',
      () => modelPage(aModelPage({ location: hostile, recent: noForecasts, ledger: [], testForecasts: [] })),
    ],
  ])('holds %s', async (name, html) => {
    expect(await faultsOf(browser(), stored(name, html()))).toEqual(NOTHING_WRONG);
  });

  it('holds an index of 300 places, and leads from a name to its place', async () => {
    const address = stored('many', index(...threeHundredPlaces()));
    // What its parts are made of is looked at above; axe-core takes its time over so many.
    expect(await faultsOf(browser(), address, [])).toEqual(NOTHING_WRONG);
    const page = await browser().newPage({ viewport: { width: 390, height: 900 } });
    await page.goto(address);
    await page.getByRole('navigation').getByRole('link', { name: 'Place 250', exact: true }).click();
    const box = await page.locator('#place-place-250 h3').boundingBox();
    expect(box?.y).toBeGreaterThanOrEqual(0);
    expect(box?.y).toBeLessThan(900);
    await page.close();
  });

  it('shows a hostile name as it is written, and runs none of it', async () => {
    const page = await browser().newPage();
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      return dialog.dismiss();
    });
    await page.goto(stored('hostile', index(aPlace({ location: hostile }))));
    expect(await page.locator('.place h3').innerText()).toBe(hostileName);
    expect(dialogs).toEqual([]);
    await page.close();
  });
});
