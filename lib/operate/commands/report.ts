import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { keys } from '../../../lambdas/lake/layout';
import { type Bucket, getText } from '../../../lambdas/lake/s3';
import { count } from '../../../lambdas/pages/words';
import { errorCode } from '../../terminal/error-code';
import { Refusal } from '../../terminal/refusal';
import { command } from '../command';
import { findDeployment } from '../deployment';

/** The pages are not there, or can't be put where they were wanted. */
class NoReport extends Refusal {
  override readonly name = 'NoReport';
}

const READERS = 16;
const DEFAULT_FOLDER = 'report';
/** Nothing else that a page links to is fetched, so that no key leads out of the folder. */
const PAGE = /^pages\/(?:index|places\/[a-z0-9-]+)\.html$/;

export const report = command({
  name: 'report',
  summary: 'download the pages, and open them in a browser',
  details: `Fetches index.html and every place's page that can be reached from it. Pages are single files: they can be
opened where there is no network, and sent to others.`,
  operands: [],
  options: {
    to: { type: 'string', placeholder: 'FOLDER', meaning: `where the pages go (${DEFAULT_FOLDER}/)` },
    'no-open': { type: 'boolean', meaning: 'do not open a browser' },
  },
  prepare(given) {
    const to = given.value('to') ?? DEFAULT_FOLDER;
    return async ({ access, progress, terminal }) => {
      const { models } = await findDeployment(access);
      const folder = resolve(terminal.directory, to);
      progress.phase('Report');
      const pages = await download(models, folder, (done, key) => progress.step(done, key));
      progress.end();
      const index = join(folder, keys.index);
      if (!given.has('no-open')) terminal.openInBrowser(index);
      return { text: `${count(pages, 'page')}: ${index}`, data: { folder, index, pages } };
    };
  },
});

/** Follows links from the index. @returns how many pages were written. */
async function download(
  models: Bucket,
  folder: string,
  onPage: (done: number, key: string) => void,
): Promise<number> {
  const limit = pLimit(READERS);
  const seen = new Set<string>();
  let done = 0;
  const follow = async (key: string): Promise<void> => {
    seen.add(key);
    const html = await limit(() => getText(models, key));
    if (html === undefined) {
      if (key !== keys.index) return; // A page that is gone leaves a link that leads nowhere, as in the bucket.
      throw new NoReport('There are no pages yet: the first hourly run, and then each, makes them.');
    }
    save(join(folder, key), html);
    done += 1;
    onPage(done, key);
    await Promise.all(linksOf(html, key).map((link) => (seen.has(link) ? undefined : follow(link))));
  };
  await follow(keys.index);
  return done;
}

/** Keys of the pages that a page links to, a redirect's target among them. */
function linksOf(html: string, key: string): string[] {
  const base = `https://pages/${key}`;
  return [...html.matchAll(/href="([^"]+)"/g)]
    .map(([, href = '']) => (URL.canParse(href, base) ? new URL(href, base).pathname.slice(1) : ''))
    .filter((link) => PAGE.test(link));
}

function save(file: string, html: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, html);
  } catch (error) {
    throw new NoReport(`${file} can't be written (${errorCode(error)}).`);
  }
}
