import { relative, resolve } from 'node:path';
import { takeScreenshots } from '../lib/scenario/screenshots';
import { Refusal } from '../lib/terminal/refusal';

/** `npm run screenshots`: pictures of the pages that the last `npm start` made. */
takeScreenshots(resolve('.garoa')).then(
  (files) => console.log(files.map((file) => relative(process.cwd(), file)).join('\n')),
  (error: unknown) => {
    console.error(error instanceof Refusal ? error.message : error);
    process.exitCode = 1;
  },
);
