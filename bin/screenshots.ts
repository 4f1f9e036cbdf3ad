import { relative, resolve } from 'node:path';
import { Refusal } from '../lib/local/refusal';
import { takeScreenshots } from '../lib/local/screenshots';

/** `npm run screenshots`: pictures of the pages that the last `npm start` made. */
takeScreenshots(resolve('.garoa')).then(
  (files) => console.log(files.map((file) => relative(process.cwd(), file)).join('\n')),
  (error: unknown) => {
    console.error(error instanceof Refusal ? error.message : error);
    process.exitCode = 1;
  },
);
