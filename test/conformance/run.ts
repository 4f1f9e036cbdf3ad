import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANSWERS_FILE } from './answers';
import {
  askTrino,
  checkCodecs,
  checkJsonCases,
  checkMeanings,
  checkOddReadings,
  checkQuestions,
  checkStatement,
  type Finding,
} from './check-trino';
import { JSON_TABLE } from './json-cases';
import { DATABASE, JSON_DATABASE, LAKE_TABLES, putJsonCases } from './lake';
import { LIVED_NOW, live } from './lived-statements';
import { declareTables } from './trino/catalogue';
import { TrinoClient } from './trino/client';
import { prepareTrino, TRINO_VERSION } from './trino/server';
import { Unavailable } from './unavailable';

const USAGE = `Holds what is Garoa's own against engines that nobody here wrote.

  npm run conformance              the functions' statements, the README's queries, views, tables, odd readings,
                                   expressions and JSON lines on both engines; Parquet of Trino through the functions' readers
  npm run conformance -- capture   stores anew what Trino says to the JSON cases
  npm run conformance -- aws       the application in MiniStack, an emulator of AWS with IAM on: from its first
                                   deployment to its removal and the return over its old lake
  npm run conformance -- upgrade   a system of an earlier version there, upgraded in place; needs the git history

Trino ${TRINO_VERSION} needs a JDK 17 and Maven, MiniStack Python 3.10; both are fetched once. Where that is not to be had,
nothing is checked, and that is said. TRINO_URL names a server that is there already; its catalogue awsdatacatalog is
Hive's over a file metastore in s3://metastore/catalog, with S3 on the port TRINO_S3_PORT of this machine.
`;

/** What this check can't say anything about. */
const NOT_JUDGED = [
  "Athena's own parts: workgroups, result files, manifests, limits, prices, time-outs, DDL in Hive's grammar (DROP)",
  `write_compression, a property of Athena's: Trino takes the codec from its session`,
  'the order in which Trino writes rows into a file',
];

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

async function main([command]: readonly string[]): Promise<void> {
  if (command !== undefined && !['capture', 'aws', 'upgrade'].includes(command)) {
    process.stdout.write(USAGE);
    process.exitCode = command === '--help' ? 0 : 1;
    return;
  }
  // The SDK warns about Node 20; the functions run on a later one.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  // Whoever stops the check stops its servers: they end with the process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  if (command === 'aws') {
    const { conformanceWithAws } = await import('./aws/conformance');
    return conformanceWithAws();
  }
  if (command === 'upgrade') {
    const { conformanceOfUpgrade } = await import('./aws/upgrade');
    return conformanceOfUpgrade();
  }
  try {
    await conformanceWithTrino(command === 'capture');
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    console.log(`Conformance with Trino was skipped: ${error.message}`);
  }
}

/** @throws Unavailable when there is no Trino, or it breaks down. */
async function conformanceWithTrino(capture: boolean): Promise<void> {
  const started = performance.now();
  const start = await prepareTrino();
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  const { local, statements } = await live();
  console.log(
    `${statements.length} statements lived in ${Math.round((performance.now() - started) / 1000)} s`,
  );
  const { cloud } = local;
  putJsonCases(cloud);
  try {
    const server = await start(cloud.endpoints.environment.AWS_ENDPOINT_URL_S3 ?? '', directory);
    try {
      const trino = new TrinoClient(server.url, { catalog: 'awsdatacatalog', schema: DATABASE });
      console.log(`Trino started after ${Math.round((performance.now() - started) / 1000)} s`);
      await declareTables(trino, cloud.endpoints.objects, DATABASE, LAKE_TABLES, LIVED_NOW);
      await declareTables(trino, cloud.endpoints.objects, JSON_DATABASE, [JSON_TABLE], LIVED_NOW);
      if (capture) {
        writeFileSync(ANSWERS_FILE, `${JSON.stringify(await askTrino(trino), undefined, 2)}\n`);
        console.log(`Stored in ${ANSWERS_FILE}.`);
        return;
      }
      const engines = { cloud, trino };
      const findings: Finding[] = [];
      const part = async (name: string, check: () => Promise<readonly Finding[]>) => {
        const begun = performance.now();
        findings.push(...(await check()));
        console.log(`${name}: ${Math.round((performance.now() - begun) / 1000)} s`);
      };
      await part("The functions' statements", async () => {
        const made: Finding[] = [];
        for (const sql of statements) made.push(await checkStatement(engines, sql));
        return made;
      });
      await part('Questions of people', () => checkQuestions(engines));
      await part('Meanings of expressions', () => checkMeanings(engines));
      await part('Odd readings', () => checkOddReadings(engines));
      const commit = statements.findLast((sql) => /staging_hourly/.test(sql)) ?? '';
      await part('Parquet of Trino', () => checkCodecs(engines, commit));
      await part('JSON cases', () => checkJsonCases(trino));
      report(findings, (performance.now() - started) / 1000);
    } finally {
      await server.stop();
    }
  } finally {
    await local.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function report(findings: readonly Finding[], seconds: number): void {
  const differing = findings.filter(({ difference }) => difference !== undefined);
  for (const { what } of findings.filter((one) => !one.what.startsWith('JSON') && !differing.includes(one))) {
    console.log(`  same  ${what}`);
  }
  console.log(
    `  same  ${findings.filter(({ what }) => what.startsWith('JSON')).length} JSON cases, but for those below`,
  );
  for (const { what, difference } of differing) {
    console.log(`  DIFFERENT  ${what}\n    ${difference}`);
  }
  console.log(
    `\nLocal Athena and Trino ${TRINO_VERSION} on Node ${process.version}: ${findings.length - differing.length} of ${findings.length} the same, in ${Math.round(seconds)} s.`,
  );
  console.log(`Not judged: ${NOT_JUDGED.join('; ')}.`);
  process.exitCode = differing.length === 0 ? 0 : 1;
}
