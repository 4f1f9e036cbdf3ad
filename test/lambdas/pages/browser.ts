import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import * as z from 'zod';
import { findChromium, launchChromium } from '../../../lib/scenario/browser';
import { NO_HURRY_MS } from '../../patience';

/** Pages as a real browser shows them; where there is none, these tests are skipped and their name says why. */

/** A `describe` whose tests get a running Chromium. */
export function describeInBrowser(name: string, tests: (browser: () => Browser) => void): void {
  const executable = findChromium();
  let browser: Browser | undefined;
  const running = (): Browser => {
    if (browser === undefined) throw new Error('The browser has not been started.');
    return browser;
  };
  if (executable === undefined) {
    describe.skip(`${name} (skipped: there is no Chromium; CHROMIUM may name one)`, () => tests(running));
    return;
  }
  describe(name, () => {
    beforeAll(async () => {
      browser = await launchChromium(executable);
    });
    afterAll(() => browser?.close());
    tests(running);
  });
}

/** What every page must fit into: a desk, a phone, and A4 paper. */
const WINDOWS = [
  { name: 'desk', width: 1280, media: 'screen' },
  { name: 'phone', width: 390, media: 'screen' },
  { name: 'paper', width: 794, media: 'print' },
] as const;

/** What is wrong with a page; `NOTHING_WRONG` is what a good one gives. */
export interface Faults {
  /** Errors and warnings of the console, and exceptions. */
  readonly console: readonly string[];
  /** Whatever the page asked for besides itself. */
  readonly requests: readonly string[];
  /** Windows in which it would have to be scrolled sideways. */
  readonly tooWideFor: readonly string[];
  /** Serious and critical findings of axe-core, light and dark. */
  readonly accessibility: readonly string[];
}

export const NOTHING_WRONG: Faults = { console: [], requests: [], tooWideFor: [], accessibility: [] };

/** Opens a page and looks for what is wrong with it. */
export async function faultsOf(
  browser: Browser,
  address: string,
  schemes: readonly ('light' | 'dark')[] = ['light', 'dark'],
): Promise<Faults> {
  const page = await browser.newPage();
  page.setDefaultTimeout(NO_HURRY_MS);
  const said: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== address && !request.url().startsWith('data:')) requests.push(request.url());
  });
  try {
    await page.goto(address);
    const tooWideFor: string[] = [];
    for (const { name, width, media } of WINDOWS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ media });
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      if (overflow !== 0) tooWideFor.push(`${name}, by ${overflow} pixels`);
    }
    const accessibility: string[] = [];
    for (const colorScheme of schemes) {
      await page.emulateMedia({ media: 'screen', colorScheme });
      accessibility.push(...(await accessibilityFaults(page)).map((fault) => `${colorScheme}: ${fault}`));
    }
    return { console: said, requests, tooWideFor, accessibility };
  } finally {
    await page.close();
  }
}

const findings = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      impact: z.string().nullable(),
      nodes: z.array(z.object({ html: z.string() })),
    }),
  ),
});

async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = findings.parse(
    await page.evaluate('axe.run(document, { resultTypes: ["violations"] })'),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}, ${nodes.length} elements, the first: ${nodes[0]?.html.slice(0, 200)}`);
}

/** The cells of a table by its caption, header row first. */
export async function cellsOf(page: Page, caption: string): Promise<string[][]> {
  const table = page.locator('table', { has: page.locator('caption', { hasText: caption }) });
  // Not the inner text: tables in closed details have none.
  return table
    .locator('tr')
    .evaluateAll((rows) => rows.map((row) => Array.from(row.children, (cell) => cell.textContent ?? '')));
}
