import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import * as z from 'zod';
import { readDayHours } from '../../lambdas/hourly/day';
import { decodeParquet } from '../../lambdas/lake/parquet';
import { hourlyObservationsSql } from '../../lambdas/lake/sql/hourly-observations';
import { fingerprintOf, parseTrainingSet } from '../../lambdas/retrain/training-set-file';
import { addDays } from '../../lambdas/runtime/time';
import type { ObjectStore } from '../../lib/local/s3/object-store';
import { projectRoot } from '../../lib/project-root';
import { MEANINGS, REFUSED } from '../lib/local/athena/trino-meanings';
import { ndjson, type TestCloud } from '../lib/local/support';
import { type Answer, answerOf, storedAnswers } from './answers';
import { runOnAthena } from './athena';
import { difference, fromAthena, fromTrino } from './compare';
import { JSON_CASES, jsonCaseSql } from './json-cases';
import { DATABASE, LAKE_TABLES, WORKGROUP } from './lake';
import { FIRST_DAY } from './lived-statements';
import { ODD_READINGS } from './odd-readings';
import type { TrinoClient } from './trino/client';
import { Unavailable } from './unavailable';

/** One thing that was held against Trino. */
export interface Finding {
  readonly what: string;
  /** Absent when both engines said the same. */
  readonly difference?: string;
}

interface Engines {
  readonly cloud: TestCloud;
  readonly trino: TrinoClient;
}

/** Athena writes with the codec that the statement names; Trino is told by its session. */
const ATHENA_CODEC = "  write_compression = 'SNAPPY',\n";

/** Any statement of the functions, as its kind asks for. */
export async function checkStatement(engines: Engines, sql: string): Promise<Finding> {
  const what = `${sql.slice(0, 60).replace(/\s+/g, ' ')}…`;
  if (sql.startsWith('CREATE TABLE')) return checkTable(engines, what, sql);
  // SHOW lists what else is there too, so that only its being taken can be compared.
  if (sql.startsWith('SHOW')) return engines.trino.run(sql).then(() => ({ what }));
  return checkSelect(engines, what, sql);
}

/**
 * A SELECT gives the same columns and rows, doubles bit by bit.
 * @param mayFail whether it counts as the same that both engines refuse the data
 */
async function checkSelect(
  { cloud, trino }: Engines,
  what: string,
  sql: string,
  mayFail = false,
): Promise<Finding> {
  const [theirs, ours] = await Promise.all([
    outcome(trino.run(sql).then(fromTrino)),
    outcome(runOnAthena(cloud.athena, WORKGROUP, sql).then(fromAthena)),
  ]);
  if ('error' in theirs || 'error' in ours) {
    if (mayFail && 'error' in theirs && 'error' in ours) return { what: `${what}, refused by both` };
    const said = (one: object) => ('error' in one ? `fails (${String(one.error)})` : 'runs');
    return { what, difference: `Trino ${said(theirs)}, local ${said(ours)}` };
  }
  const ordered = /\bORDER BY [^)]*$/i.test(sql);
  return finding(
    `${what}, ${theirs.result.rows.length} rows`,
    difference(theirs.result, ours.result, ordered),
  );
}

/** A CTAS leaves the same rows in the same partitions, one file in each, and the functions' readers agree. */
async function checkTable({ cloud, trino }: Engines, what: string, sql: string): Promise<Finding> {
  const store = cloud.endpoints.objects;
  const table = /^CREATE TABLE "\w+"\."(\w+)"/.exec(sql)?.[1] ?? '';
  const { manifest = '' } = await runOnAthena(cloud.athena, WORKGROUP, sql);
  const ours = readText(store, manifest).split('\n').filter(Boolean);
  const theirs = await createOnTrino(trino, table, sql, 'SNAPPY');
  const [a, b] = [byPartition(theirs), byPartition(ours)];
  if ([...a.keys()].join() !== [...b.keys()].join()) {
    return { what, difference: `partitions: Trino ${[...a.keys()].join()}, local ${[...b.keys()].join()}` };
  }
  for (const [partition, files] of a) {
    const others = b.get(partition) ?? [];
    const [file = '', other = ''] = [files[0], others[0]];
    if (files.length !== 1 || others.length !== 1) {
      return { what, difference: `${partition}: Trino ${files.length} files, local ${others.length}` };
    }
    const [left, right] = [await rowsOf(store, file), await rowsOf(store, other)];
    const [one, two] = [await meaningOf(store, partition, file), await meaningOf(store, partition, other)];
    if (left !== right) return { what, difference: `${partition}: ${firstDifference(left, right)}` };
    if (one !== two) return { what, difference: `${partition}: the functions read ${one} and ${two}` };
  }
  return { what: `${what}, ${a.size} partitions` };
}

/**
 * Parquet files of Trino, in each codec that Athena writes, give the rows of the local Athena's own file: through
 * the functions' reader, and through the local Athena as a day of the lake.
 */
export async function checkCodecs({ cloud, trino }: Engines, sql: string): Promise<Finding[]> {
  const store = cloud.endpoints.objects;
  const findings: Finding[] = [];
  let expected: string | undefined;
  for (const codec of ['SNAPPY', 'GZIP', 'ZSTD', 'NONE']) {
    const table = `codec_${codec.toLowerCase()}`;
    const named = sql.replace(/^(CREATE TABLE "\w+"\.)"\w+"/, `$1"${table}"`);
    const [file = ''] = await createOnTrino(trino, table, named, codec);
    const rows = await rowsOf(store, file);
    expected ??= rows;
    const { row_groups } = parquetMetadata(Uint8Array.from(read(store, file)).buffer);
    const columns = row_groups.flatMap((group) => group.columns.map((column) => column.meta_data));
    const types = new Set(columns.map((column) => column?.type));
    const codecs = [...new Set(columns.map((column) => column?.codec))].join();
    const date = /dt=([\d-]+)/.exec(file)?.[1] ?? '';
    store.put('processed', `hourly_observations/dt=${date}/part-0.parquet`, read(store, file));
    const day = await checkSelect(
      { cloud, trino },
      `a day of the lake that Trino wrote with ${codec}`,
      `SELECT * FROM hourly_observations WHERE dt = '${date}' ORDER BY location_id, hour`,
    );
    findings.push(day);
    findings.push(
      finding(
        `Parquet of Trino with ${codec} (${codecs}${types.has('INT96') ? ', INT96' : ''}) through the functions' reader`,
        types.has('INT96')
          ? rows === expected
            ? undefined
            : firstDifference(rows, expected)
          : 'no timestamp is INT96, which is how Athena writes them',
      ),
    );
  }
  return findings;
}

/** Expressions and statements that the local Athena's tests hold it to mean the same, or are refused for the same reason. */
export async function checkMeanings(engines: Engines): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [expression] of MEANINGS) {
    findings.push(await checkSelect(engines, expression, `SELECT ${expression} AS x`));
  }
  for (const [sql, error] of REFUSED) {
    const said = await outcome(engines.trino.run(sql));
    const why = 'error' in said ? said.error : 'nothing: it runs';
    findings.push(
      finding(`${sql}, refused`, error.test(why) ? undefined : `Trino says ${why}, not ${error}`),
    );
  }
  return findings;
}

/** Readings that a provider should not send, each on a day of its own, through the commit's SELECT. */
export async function checkOddReadings(engines: Engines): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [index, { name, line }] of ODD_READINGS.entries()) {
    const date = addDays('2013-06-01', 2 * index);
    const key = `observations/dt=${date}/hour=05/0500-odd.ndjson.gz`;
    engines.cloud.endpoints.objects.put('raw', key, ndjson([line(date)]));
    const sql = hourlyObservationsSql({
      ...{ database: DATABASE, from: date, to: date, closedBefore: `${addDays(date, 1)}T00:00:00Z` },
      ...{ rainThresholdMm: 0.1, hourlyMinute: 5, settledAfterHours: 48 },
    });
    findings.push(await checkSelect(engines, `a reading with ${name}`, sql, true));
  }
  return findings;
}

/** What people ask: the queries of the READMEs, both views, and every table whole. */
export async function checkQuestions(engines: Engines): Promise<Finding[]> {
  const questions = ['README.md', 'lambdas/lake/README.md'].flatMap((file) =>
    [...readFileSync(join(projectRoot, file), 'utf8').matchAll(/```sql\n([\s\S]*?)```/g)].map(
      ([, sql = ''], index) => ({ what: `${file}, query ${index + 1}`, sql: sql.trim() }),
    ),
  );
  const tables = LAKE_TABLES.map(({ name }) => ({
    what: `all of ${name}`,
    sql: `SELECT * FROM ${name} WHERE dt >= '${FIRST_DAY}'`,
  }));
  const findings: Finding[] = [];
  for (const { what, sql } of [...questions, ...tables]) {
    findings.push(await checkSelect(engines, what, sql));
  }
  return findings;
}

/** Trino still says to the JSON cases what is stored; the suite holds the local Athena to that. */
export async function checkJsonCases(trino: TrinoClient): Promise<Finding[]> {
  const stored = storedAnswers();
  const asked = await askTrino(trino, stored);
  return JSON_CASES.map(({ name }) => {
    const [now, before] = [JSON.stringify(asked[name]), JSON.stringify(stored[name])];
    return finding(`JSON: ${name}`, now === before ? undefined : `Trino says ${now}; stored is ${before}`);
  });
}

/** Trino spends most of a small query waiting. */
const SIDE_BY_SIDE = 4;

/** @param stored tells which cases have rows: those are asked about in one query */
export async function askTrino(
  trino: TrinoClient,
  stored: Readonly<Record<string, Answer>> = {},
): Promise<Readonly<Record<string, Answer>>> {
  const answers = new Map<string, Answer>();
  const readable = JSON_CASES.filter(({ name }) => Array.isArray(stored[name]));
  const days = readable.map(({ dt }) => `'${dt}'`).join(', ');
  if (readable.length > 0) {
    const sql = jsonCaseSql({ dt: '' }).replace("dt = ''", `dt IN (${days})`);
    const all = await answerOf(trino.run(sql).then(fromTrino));
    for (const { name, dt } of Array.isArray(all) ? readable : []) {
      answers.set(name, Array.isArray(all) ? all.filter((row) => row.endsWith(`"${dt}"`)) : all);
    }
  }
  const waiting = JSON_CASES.filter(({ name }) => !answers.has(name));
  const work = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      answers.set(one.name, await answerOf(trino.run(jsonCaseSql(one)).then(fromTrino)));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return Object.fromEntries(JSON_CASES.map(({ name }) => [name, answers.get(name) ?? []]));
}

/** Runs a CTAS on Trino; tells the addresses of the files. */
async function createOnTrino(
  trino: TrinoClient,
  table: string,
  sql: string,
  codec: string,
): Promise<string[]> {
  await trino.run(`DROP TABLE IF EXISTS ${DATABASE}.${table}`);
  await trino.run(sql.replace(ATHENA_CODEC, ''), { compression_codec: codec });
  const { rows } = await trino.run(`SELECT DISTINCT "$path" FROM ${DATABASE}.${table}`);
  return rows.map(([path]) => String(path));
}

function byPartition(files: readonly string[]): Map<string, string[]> {
  const partitions = new Map<string, string[]>();
  for (const file of [...files].sort()) {
    const partition = file.split('/').at(-2) ?? '';
    partitions.set(partition, [...(partitions.get(partition) ?? []), file]);
  }
  return new Map([...partitions].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Rows of a Parquet file as text, in an order of their own: every column, every digit. */
async function rowsOf(store: ObjectStore, address: string): Promise<string> {
  const bytes = read(store, address);
  const columns = parquetMetadata(Uint8Array.from(bytes).buffer)
    .schema.slice(1)
    .map(({ name }) => name);
  const rows = await decodeParquet(bytes, columns, z.record(z.string(), z.unknown()), compressors);
  const printed = rows.map((row) =>
    JSON.stringify(row, (_, value: unknown) => (Object.is(value, -0) ? '-0' : value)),
  );
  return printed.sort().join('\n');
}

function firstDifference(a: string, b: string): string {
  const [left, right] = [a.split('\n'), b.split('\n')];
  const index = left.findIndex((row, at) => row !== right[at]);
  return index < 0
    ? `${left.length} and ${right.length} rows`
    : `Trino ${left[index]}, local ${right[index]}`;
}

/** What the functions make of a file: the hours of a day, or the fingerprint of a training set. */
async function meaningOf(store: ObjectStore, partition: string, address: string): Promise<string> {
  const bytes = read(store, address);
  const [key, value = ''] = partition.split('=');
  return key === 'dt'
    ? JSON.stringify([...(await readDayHours(value, bytes)).hours].sort())
    : fingerprintOf(await parseTrainingSet(value, bytes));
}

function read(store: ObjectStore, address: string): Buffer {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
  const object = store.head(bucket, key);
  if (object === undefined) throw new Error(`There is no ${address}.`);
  return store.read(object);
}

function readText(store: ObjectStore, address: string): string {
  return read(store, address).toString('utf8');
}

async function outcome<T>(result: Promise<T>): Promise<{ readonly result: T } | { readonly error: string }> {
  try {
    return { result: await result };
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function finding(what: string, differs: string | undefined): Finding {
  return differs === undefined ? { what } : { what, difference: differs };
}
