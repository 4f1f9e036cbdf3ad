import * as z from 'zod';
import type { DatabaseResource, GlueTable } from '../assembly/resources';
import type { TableResolver } from './dialect';
import { QueryFailure } from './query-failure';
import type { TableName } from './statement';
import type { SyntaxNode } from './syntax-tree';

/** A partition that the catalogue knows by name, as a CTAS enters them. */
export interface RegisteredPartition {
  readonly values: readonly string[];
  readonly location: string;
}

export interface CatalogueTable {
  readonly database: string;
  readonly glue: GlueTable;
  /** Partitions of a table without projection. */
  readonly partitions: readonly RegisteredPartition[];
}

interface CatalogueView {
  readonly database: string;
  readonly tree: SyntaxNode;
  readonly columns: readonly string[];
  /** What a view of the stack says of itself. One that a statement made is as its query is, and runs as its maker. */
  readonly declared?: {
    readonly columns: readonly { readonly name: string; readonly type: string }[];
    readonly runsAsSomebody: boolean;
  };
}

const prestoView = z.object({
  originalSql: z.string(),
  schema: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  owner: z.string().optional(),
  runAsInvoker: z.boolean().default(false),
});

/** One use of a table in a query: the relation that stands for it, and the table. */
export interface TableUse {
  readonly relation: string;
  readonly table: CatalogueTable;
}

/** One use of a view in a query, and where it stands there. */
export interface ViewUse {
  readonly view: CatalogueView;
  /** `database.view` */
  readonly name: string;
  readonly place: string;
}

/** The Glue catalogue as Athena sees it: the declared databases, and what CTAS, views and DROP made of them. */
export class Catalogue {
  private readonly databases = new Map<string, Map<string, CatalogueTable | CatalogueView>>();

  private constructor() {}

  /**
   * @param parse DuckDB's parser, which views go through once, here
   * @throws Error when a declared view's text cannot be read.
   */
  static async of(
    databases: readonly DatabaseResource[],
    parse: (sql: string) => Promise<SyntaxNode>,
  ): Promise<Catalogue> {
    const catalogue = new Catalogue();
    for (const database of databases) {
      const entries = new Map<string, CatalogueTable | CatalogueView>();
      catalogue.databases.set(database.name.toLowerCase(), entries);
      for (const glue of database.tables) {
        const name = glue.name.toLowerCase();
        if (glue.type === 'VIRTUAL_VIEW') {
          const view = decodeView(glue);
          entries.set(name, {
            database: view.schema.toLowerCase(),
            tree: await parse(view.originalSql),
            columns: view.columns.map((column) => column.name),
            declared: {
              columns: view.columns,
              runsAsSomebody: view.runAsInvoker || (view.owner ?? glue.owner) !== undefined,
            },
          });
        } else {
          entries.set(name, { database: database.name, glue, partitions: [] });
        }
      }
    }
    return catalogue;
  }

  databaseNames(): readonly string[] {
    return [...this.databases.keys()].sort();
  }

  /** @throws QueryFailure when there is no such database. */
  tableNames(database: string): readonly string[] {
    return [...this.entries(database, '1:1').keys()].sort();
  }

  find(name: TableName, context: string): CatalogueTable | CatalogueView | undefined {
    return this.entries(name.database ?? context, '1:1').get(name.table);
  }

  addTable(name: string, table: CatalogueTable): void {
    this.entries(table.database, '1:1').set(name, table);
  }

  addView(name: TableName, context: string, tree: SyntaxNode, columns: readonly string[]): void {
    this.entries(name.database ?? context, '1:1').set(name.table, { database: context, tree, columns });
  }

  remove(name: TableName, context: string): void {
    this.entries(name.database ?? context, '1:1').delete(name.table);
  }

  /**
   * Resolves the names of one query and gathers the tables and views it uses; each use of a table gets a relation
   * name of its own.
   * @param context database that unqualified names are in
   */
  resolver(context: string, uses: TableUse[], views: ViewUse[]): TableResolver {
    return {
      resolve: (database, table, place) => {
        const schema = database ?? context;
        const found = this.entries(schema, place).get(table);
        if (found === undefined) {
          throw new QueryFailure(
            'TABLE_NOT_FOUND',
            `line ${place}: Table 'awsdatacatalog.${schema}.${table}' does not exist`,
          );
        }
        if ('glue' in found) {
          const relation = `athena_scan_${uses.length}`;
          uses.push({ relation, table: found });
          return { kind: 'table', relation };
        }
        views.push({ view: found, name: `${schema}.${table}`, place });
        return {
          kind: 'view',
          tree: found.tree,
          columns: found.columns,
          resolver: this.resolver(found.database, uses, views),
        };
      },
    };
  }

  private entries(database: string, place: string): Map<string, CatalogueTable | CatalogueView> {
    const entries = this.databases.get(database.toLowerCase());
    if (entries === undefined) {
      throw new QueryFailure('SCHEMA_NOT_FOUND', `line ${place}: Schema '${database}' does not exist`);
    }
    return entries;
  }
}

/** Glue keeps a view of Athena as base64 JSON inside a comment. */
function decodeView(glue: GlueTable): z.infer<typeof prestoView> {
  const encoded = /^\/\* Presto View: (\S+) \*\/$/.exec(glue.viewOriginalText ?? '')?.[1];
  if (encoded === undefined) {
    throw new Error(`View ${glue.name} has no Presto view text.`);
  }
  return prestoView.parse(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')));
}
