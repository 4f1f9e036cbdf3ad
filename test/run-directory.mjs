import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Before the first file of tests: a folder for what the files of one run share. `remove-run-directory.mjs` removes it. */
export default function makeRunDirectory() {
  process.env.GAROA_TEST_RUN = mkdtempSync(join(tmpdir(), 'garoa-run-'));
}
