import { startTestCloud, type TestCloud } from '../lib/local/support';
import { answerOf, storedAnswers } from './answers';
import { runOnAthena } from './athena';
import { fromAthena } from './compare';
import { JSON_CASES, type JsonCase, jsonCaseSql } from './json-cases';
import { LAKE, putJsonCases, WORKGROUP } from './lake';

const answers = storedAnswers();
let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud(LAKE);
  putJsonCases(cloud);
});
afterAll(() => cloud.close());

const ask = (one: Pick<JsonCase, 'dt'>) =>
  answerOf(runOnAthena(cloud.athena, WORKGROUP, jsonCaseSql(one)).then(fromAthena));

it.each(JSON_CASES)('the local Athena says to "$name" what Trino said', async (one) => {
  expect(await ask(one)).toEqual(answers[one.name]);
});

it('Trino was asked about every case, and about no other', () => {
  expect(Object.keys(answers).sort()).toEqual(JSON_CASES.map(({ name }) => name).sort());
});

it('a value that no type takes hurts only who reads its column', async () => {
  const [wrong] = JSON_CASES.filter(({ name }) => name === 'd "abc"');
  const sql = `SELECT n, s FROM conformance.json_lines WHERE dt = '${wrong?.dt}' ORDER BY n`;
  const { rows } = await runOnAthena(cloud.athena, WORKGROUP, sql);
  expect(rows).toEqual([
    ['1', 'row 1'],
    ['2', undefined],
    ['3', 'row 3'],
  ]);
});
