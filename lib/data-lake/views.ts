import type * as glue from 'aws-cdk-lib/aws-glue';
import type { ColumnType } from '../../lambdas/lake/layout';
import type { View } from '../../lambdas/lake/sql/views';

/** What Trino calls the types that Hive names otherwise. Hive's timestamps are read with milliseconds. */
const TRINO_TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'varchar',
  double: 'double',
  int: 'integer',
  bigint: 'bigint',
  boolean: 'boolean',
  timestamp: 'timestamp(3)',
};

/**
 * The Glue definition of a view, as Athena itself stores what `CREATE VIEW` makes: the definition in JSON, in
 * base64, in a comment. Glue shows the columns in Hive's types; queries go by those inside.
 */
export function viewInput(view: View, database: string): glue.CfnTable.TableInputProperty {
  const definition = {
    originalSql: view.sql(database),
    catalog: 'awsdatacatalog',
    schema: database,
    columns: view.columns.map(({ name, type }) => ({ name, type: TRINO_TYPES[type] })),
    // Without it a view runs as its owner, and CloudFormation gives it none: every query of it would fail.
    runAsInvoker: true,
  };
  const encoded = Buffer.from(JSON.stringify(definition)).toString('base64');
  return {
    name: view.name,
    description: view.comment,
    tableType: 'VIRTUAL_VIEW',
    // Athena knows its views by both.
    parameters: { presto_view: 'true', comment: 'Presto View' },
    partitionKeys: [],
    storageDescriptor: {
      columns: view.columns.map(({ name, type, comment }) => ({ name, type, comment })),
      serdeInfo: {},
    },
    viewOriginalText: `/* Presto View: ${encoded} */`,
    viewExpandedText: '/* Presto View */',
  };
}
