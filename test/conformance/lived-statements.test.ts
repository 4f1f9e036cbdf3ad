import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../lib/project-root';

/** Whoever asks something of Athena, and is called by `lived-statements.ts` so that Trino judges it too. */
const ASKING = [
  'lambdas/hourly/agreement.ts',
  'lambdas/hourly/commit.ts',
  'lambdas/hourly/forecast.ts',
  'lambdas/hourly/sweep.ts',
  'lambdas/retrain/prepare.ts',
];

it('every file that sends statements to Athena is lived through by the conformance check', () => {
  const files = readdirSync(join(projectRoot, 'lambdas'), { recursive: true, encoding: 'utf8' })
    .map((file) => `lambdas/${file}`)
    .filter((file) => /\.tsx?$/.test(file) && file !== 'lambdas/lake/athena.ts')
    .filter((file) =>
      /\b(runQuery|runStatement|createTableAs)\(/.test(readFileSync(join(projectRoot, file), 'utf8')),
    );
  expect(files.sort()).toEqual(ASKING);
});
