import * as z from 'zod';
import { VIEWS } from '../../lambdas/lake/sql/views';
import { viewInput } from '../../lib/data-lake/views';
import type { GlueTable } from '../../lib/local/assembly/resources';
import { RESOURCES, type TestCloud } from '../lib/local/support';
import { JSON_CASES, JSON_TABLE } from './json-cases';

export const DATABASE = 'garoa';
export const JSON_DATABASE = 'conformance';
/** Where statements run on the local Athena. */
export const WORKGROUP = { workgroup: 'garoa-prod', database: DATABASE } as const;

/** The tables and views that the stack declares. */
export const LAKE_TABLES: readonly GlueTable[] = [
  ...(RESOURCES.databases.find(({ name }) => name === DATABASE)?.tables ?? []),
  ...VIEWS.map(
    (view): GlueTable => ({
      name: view.name,
      type: 'VIRTUAL_VIEW',
      columns: view.columns,
      partitionKeys: [],
      parameters: { presto_view: 'true', comment: 'Presto View' },
      viewOriginalText: z.string().parse(viewInput(view, DATABASE).viewOriginalText),
    }),
  ),
];

/** A deployment with the lake's tables, the table of the JSON cases, and a bucket for Trino's catalogue. */
export const LAKE = {
  resources: {
    ...RESOURCES,
    buckets: [...RESOURCES.buckets, { name: 'metastore' }],
    databases: [
      { name: DATABASE, tables: LAKE_TABLES },
      { name: JSON_DATABASE, tables: [JSON_TABLE] },
    ],
    workgroups: [{ name: WORKGROUP.workgroup, enforceConfiguration: true, outputLocation: 's3://results/' }],
  },
};

/** Puts the objects of the JSON cases where their table looks for them. */
export function putJsonCases(cloud: TestCloud): void {
  for (const { dt, objects } of JSON_CASES) {
    for (const [name, content] of Object.entries(objects)) {
      cloud.endpoints.objects.put('raw', `json_lines/dt=${dt}/${name}`, content);
    }
  }
}
