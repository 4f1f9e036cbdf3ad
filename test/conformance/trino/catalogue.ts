import * as z from 'zod';
import { addDays } from '../../../lambdas/runtime/time';
import type { GlueTable } from '../../../lib/local/assembly/resources';
import type { ObjectStore } from '../../../lib/local/s3/object-store';
import type { TrinoClient } from './client';

const TRINO_TYPES: Readonly<Record<string, string>> = {
  string: 'varchar',
  int: 'integer',
  timestamp: 'timestamp(3)',
};

/** What the file metastore keeps of a table; of most properties it is enough to carry them along. */
const stored = z.looseObject({ parameters: z.record(z.string(), z.string()) });

/**
 * Enters tables into Trino's catalogue as Glue has them: columns by Trino's own CREATE TABLE, then the parameters
 * word for word, partition projection among them, but for NOW: that is the check's. A view is entered as its text stands in Glue.
 * @throws TrinoFailure when Trino refuses a definition.
 */
export async function declareTables(
  trino: TrinoClient,
  store: ObjectStore,
  database: string,
  tables: readonly GlueTable[],
  now: Date,
): Promise<void> {
  const keyOf = (name: string) => `catalog/${database}/${name}/.trinoSchema`;
  const read = (name: string) => {
    const object = store.head('metastore', keyOf(name));
    if (object === undefined) throw new Error(`Trino's metastore has no ${keyOf(name)}.`);
    return stored.parse(JSON.parse(store.read(object).toString('utf8')));
  };
  const write = (name: string, schema: z.infer<typeof stored>) =>
    store.put('metastore', keyOf(name), JSON.stringify(schema));

  await trino.run(`CREATE SCHEMA IF NOT EXISTS ${database}`);
  for (const table of tables.filter(({ type }) => type === 'EXTERNAL_TABLE')) {
    await trino.run(createTable(database, table));
    const schema = read(table.name);
    const parameters = Object.entries(table.parameters).map(([name, value]) => [name, dated(value, now)]);
    write(table.name, { ...schema, parameters: { ...schema.parameters, ...Object.fromEntries(parameters) } });
  }
  for (const view of tables.filter(({ type }) => type === 'VIRTUAL_VIEW')) {
    await trino.run(`CREATE OR REPLACE VIEW ${database}.${view.name} AS SELECT 1 AS placeholder`);
    const { owner: _, ...schema } = read(view.name);
    write(view.name, {
      ...schema,
      parameters: view.parameters,
      viewOriginalText: view.viewOriginalText,
      viewExpandedText: '/* Presto View */',
      ...(view.owner !== undefined && { owner: view.owner }),
    });
  }
}

/** A server's own clock would project years of days that nobody asks about. */
function dated(value: string, now: Date): string {
  return value.replace(/\bNOW(?:\+(\d+)DAYS?)?\b/, (_, days = '0') =>
    addDays(now.toISOString().slice(0, 10), Number(days)),
  );
}

function createTable(database: string, table: GlueTable): string {
  const columns = [...table.columns, ...table.partitionKeys].map(
    ({ name, type }) => `"${name}" ${TRINO_TYPES[type] ?? type}`,
  );
  const properties = [
    `format = '${/json/i.test(table.serde ?? '') ? 'JSON' : 'PARQUET'}'`,
    `external_location = '${table.location}'`,
    `partitioned_by = ARRAY[${table.partitionKeys.map(({ name }) => `'${name}'`).join(', ')}]`,
  ];
  return `CREATE TABLE ${database}."${table.name}" (${columns.join(', ')}) WITH (${properties.join(', ')})`;
}
