import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { keys } from '../../lambdas/lake/layout';
import { Refusal } from '../terminal/refusal';
import { findChromium, launchChromium } from './browser';

const WIDTHS = [1280, 390] as const;
const SCHEMES = ['light', 'dark'] as const;

/**
 * Pictures of the index and of one place's page, as wide screens and phones show them, light and dark. Called by
 * `npm run screenshots`; pictures of an earlier call are replaced.
 * @param directory the folder of a run, such as `.garoa`
 * @returns the files that were written
 * @throws Refusal when there is no run, or no browser.
 */
export async function takeScreenshots(directory: string): Promise<string[]> {
  const index = indexOf(directory);
  const executable = findChromium();
  if (executable === undefined) {
    throw new Refusal('No Chromium was found: install it, or name one in the variable CHROMIUM.');
  }
  const folder = join(directory, 'screenshots');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const browser = await launchChromium(executable);
  try {
    const page = await browser.newPage();
    const files: string[] = [];
    for (const [name, address] of await addressesOf(page, index)) {
      for (const width of WIDTHS) {
        for (const colorScheme of SCHEMES) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme });
          await page.goto(address);
          const path = join(folder, `${name}-${width}-${colorScheme}.png`);
          await page.screenshot({ path, fullPage: true });
          files.push(path);
        }
      }
    }
    return files;
  } finally {
    await browser.close();
  }
}

/** The index that a run left in the models bucket, whatever its stage is called. */
function indexOf(directory: string): string {
  const buckets = join(directory, 's3');
  const found = existsSync(buckets)
    ? readdirSync(buckets)
        .map((bucket) => join(buckets, bucket, keys.pagesIndex))
        .find((file) => existsSync(file))
    : undefined;
  if (found === undefined) throw new Refusal(`There are no pages in ${directory}: run npm start first.`);
  return pathToFileURL(found).href;
}

/** The index, and the first place that it links. */
async function addressesOf(page: Page, index: string): Promise<[name: string, address: string][]> {
  await page.goto(index);
  const [link] = await page.locator('#places th a').all();
  const href = await link?.getAttribute('href');
  return [
    ['index', index],
    ...(href == null ? [] : [['place', new URL(href, index).href] satisfies [string, string]]),
  ];
}
