import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';

/** What a query gave; cells as GetQueryResults has them, undefined for null. */
export interface AthenaResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly (string | undefined)[])[];
  /** Where a CTAS wrote the list of its files. */
  readonly manifest: string | undefined;
}

/** Athena ended a query without success; the message is its reason. */
class AthenaFailure extends Error {
  override readonly name = 'AthenaFailure';
}

/** Runs one statement on Athena and reads all of its result. @throws AthenaFailure */
export async function runOnAthena(
  client: AthenaClient,
  place: { readonly workgroup: string; readonly database: string },
  sql: string,
): Promise<AthenaResult> {
  const { QueryExecutionId } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: place.workgroup,
      QueryExecutionContext: { Database: place.database },
    }),
  );
  for (;;) {
    const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const state = QueryExecution?.Status?.State;
    if (state === 'SUCCEEDED') {
      const { columns, rows } = await results(client, QueryExecutionId);
      const isQuery = QueryExecution?.SubstatementType === 'SELECT';
      return {
        columns,
        rows: isQuery ? rows.slice(1) : rows,
        manifest: QueryExecution?.Statistics?.DataManifestLocation,
      };
    }
    if (state !== 'QUEUED' && state !== 'RUNNING') {
      throw new AthenaFailure(QueryExecution?.Status?.StateChangeReason ?? String(state));
    }
  }
}

async function results(
  client: AthenaClient,
  QueryExecutionId: string | undefined,
): Promise<Pick<AthenaResult, 'columns' | 'rows'>> {
  const rows: (readonly (string | undefined)[])[] = [];
  let columns: AthenaResult['columns'] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new GetQueryResultsCommand({ QueryExecutionId, NextToken }));
    columns = (page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map(({ Name = '', Type = '' }) => ({
      name: Name,
      type: Type,
    }));
    for (const { Data = [] } of page.ResultSet?.Rows ?? []) {
      rows.push(Data.map(({ VarCharValue }) => VarCharValue));
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return { columns, rows };
}
