import { rmSync } from 'node:fs';

/** After the last file of tests. */
export default function removeRunDirectory() {
  rmSync(process.env.GAROA_TEST_RUN, { recursive: true, force: true });
}
