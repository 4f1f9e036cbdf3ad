import * as z from 'zod';
import type { Placed } from './identities';
import type { TemplateReader } from './reader';
import type { DatabaseResource, GlueTable, WorkgroupResource } from './resources';

const glueColumns = z.array(z.looseObject({ Name: z.string(), Type: z.string() })).default([]);
const tableProperties = z.object({
  DatabaseName: z.string(),
  TableInput: z.looseObject({
    Name: z.string(),
    TableType: z.enum(['EXTERNAL_TABLE', 'VIRTUAL_VIEW']),
    Owner: z.string().optional(),
    PartitionKeys: glueColumns,
    Parameters: z
      .record(z.string(), z.union([z.string(), z.boolean(), z.number()]).transform(String))
      .default({}),
    ViewOriginalText: z.string().optional(),
    StorageDescriptor: z
      .looseObject({
        Columns: glueColumns,
        Location: z.string().optional(),
        SerdeInfo: z.looseObject({ SerializationLibrary: z.string().optional() }).optional(),
      })
      .optional(),
  }),
});

const workgroupProperties = z.object({
  WorkGroupConfiguration: z.looseObject({
    EnforceWorkGroupConfiguration: z.boolean().default(true),
    BytesScannedCutoffPerQuery: z.number().optional(),
    ResultConfiguration: z.looseObject({ OutputLocation: z.string() }),
  }),
});

/** The databases with the tables and views that the templates declare in them. */
export function readDatabases(template: TemplateReader): DatabaseResource[] {
  const tables = template.all('AWS::Glue::Table').map((placed) => readTable(template, placed));
  return template.all('AWS::Glue::Database').map((placed) => {
    const name = template.ref(placed);
    return { name, tables: tables.filter(({ database }) => database === name).map(({ table }) => table) };
  });
}

function readTable(template: TemplateReader, placed: Placed): { database: string; table: GlueTable } {
  const { DatabaseName, TableInput } = template.properties(placed, tableProperties);
  const { StorageDescriptor: storage } = TableInput;
  const serde = storage?.SerdeInfo?.SerializationLibrary;
  const columns = (list: z.infer<typeof glueColumns>): { name: string; type: string }[] =>
    list.map(({ Name, Type }) => ({ name: Name, type: Type }));
  return {
    database: DatabaseName,
    table: {
      name: TableInput.Name,
      type: TableInput.TableType,
      columns: columns(storage?.Columns ?? []),
      partitionKeys: columns(TableInput.PartitionKeys),
      parameters: TableInput.Parameters,
      ...(storage?.Location === undefined ? {} : { location: storage.Location }),
      ...(serde === undefined ? {} : { serde }),
      ...(TableInput.Owner === undefined ? {} : { owner: TableInput.Owner }),
      ...(TableInput.ViewOriginalText === undefined ? {} : { viewOriginalText: TableInput.ViewOriginalText }),
    },
  };
}

export function readWorkgroup(template: TemplateReader, placed: Placed): WorkgroupResource {
  const { WorkGroupConfiguration: configuration } = template.properties(placed, workgroupProperties);
  const cutoff = configuration.BytesScannedCutoffPerQuery;
  return {
    name: template.ref(placed),
    enforceConfiguration: configuration.EnforceWorkGroupConfiguration,
    outputLocation: configuration.ResultConfiguration.OutputLocation,
    ...(cutoff === undefined ? {} : { bytesScannedCutoff: cutoff }),
  };
}
