import type * as glue from 'aws-cdk-lib/aws-glue';
import type { TableLayout } from '../../lambdas/lake/layout';

/**
 * The Glue definition of a declared table. Partitions are projected from the keys of the layout: no crawler
 * and no `ADD PARTITION` stands between an object and the query that reads it.
 * @param location `s3://bucket/prefix/`
 * @param firstDay first UTC date that queries see
 */
export function tableInput(
  layout: TableLayout,
  location: string,
  firstDay: string,
): glue.CfnTable.TableInputProperty {
  return {
    name: layout.name,
    description: layout.comment,
    tableType: 'EXTERNAL_TABLE',
    parameters: {
      EXTERNAL: 'TRUE',
      classification: layout.format,
      ...projection(layout, location, firstDay),
    },
    partitionKeys: layout.partitions.map((name) => ({ name, ...PARTITION_KEYS[name] })),
    storageDescriptor: {
      location,
      columns: layout.columns.map(({ name, type, comment }) => ({ name, type, comment })),
      ...FORMATS[layout.format],
    },
  };
}

/** Numbers would lose the leading zero that keys have: both are compared as text. */
const PARTITION_KEYS = {
  dt: { type: 'string', comment: 'UTC date, YYYY-MM-DD' },
  hour: { type: 'string', comment: 'UTC hour, 00 to 23' },
} as const;

const FORMATS: Readonly<
  Record<TableLayout['format'], Omit<glue.CfnTable.StorageDescriptorProperty, 'location' | 'columns'>>
> = {
  json: {
    inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
    // The OpenX reader may give different results for the same file; this one does not.
    serdeInfo: { serializationLibrary: 'org.apache.hive.hcatalog.data.JsonSerDe' },
  },
  parquet: {
    inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
  },
};

function projection(
  { partitions }: TableLayout,
  location: string,
  firstDay: string,
): Readonly<Record<string, string>> {
  return {
    'projection.enabled': 'true',
    'projection.dt.type': 'date',
    'projection.dt.format': 'yyyy-MM-dd',
    // Forecasts of the last hour of a day speak of the next one.
    'projection.dt.range': `${firstDay},NOW+1DAY`,
    'projection.dt.interval': '1',
    'projection.dt.interval.unit': 'DAYS',
    ...(partitions.includes('hour') && {
      'projection.hour.type': 'integer',
      'projection.hour.range': '0,23',
      'projection.hour.digits': '2',
    }),
    'storage.location.template': `${location}${partitions.map((name) => `${name}=\${${name}}/`).join('')}`,
  };
}
