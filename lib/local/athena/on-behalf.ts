import { AccessDenied, type Caller } from '../iam/access';
import type { ObjectFile } from '../s3/object-store';
import { QueryFailure } from './query-failure';

/** A table by its names in the catalogue. */
interface Named {
  readonly database: string;
  readonly table: string;
}

/**
 * What Athena does in other services in the name of whoever started a query, allowed or denied by the caller's
 * policies. By Athena's user guide (docs.aws.amazon.com/athena/latest/ug/):
 * - the catalogue: fine-grained-access-to-glue-resources.html. A call on a table takes permission on catalogue,
 *   database and table; every query takes GetDatabase, on `default` too.
 * - objects of tables, and the place of results: s3-permissions.html, cross-account-permissions.html, querying.html
 * - partition-projection.html: partitions of a table with projection are computed, not asked for
 */
export class OnBehalf {
  constructor(
    private readonly caller: Caller,
    private readonly place: { readonly region: string; readonly account: string },
  ) {}

  /** What comes before any statement: the place of results is looked up, and the databases. */
  beginning(resultBucket: string, database: string): void {
    this.onBucket('s3:GetBucketLocation', resultBucket, `s3://${resultBucket}`);
    for (const name of new Set(['default', database])) this.onDatabase('glue:GetDatabase', name);
  }

  readsTable(named: Named): void {
    this.onTable('glue:GetTable', named);
  }

  /** @param location `s3://bucket/prefix/` whose objects are listed */
  readsFiles(location: string, files: readonly ObjectFile[]): void {
    const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(location) ?? [];
    this.onBucket('s3:GetBucketLocation', bucket, location);
    this.onBucket('s3:ListBucket', bucket, location, { 's3:prefix': prefix });
    for (const { key } of files) this.onObject('s3:GetObject', bucket, key);
  }

  writesObject(bucket: string, key: string): void {
    this.onObject('s3:PutObject', bucket, key);
  }

  createsTable(named: Named, partitioned: boolean): void {
    this.onTable('glue:CreateTable', named);
    if (partitioned) this.onTable('glue:BatchCreatePartition', named);
  }

  replacesView(named: Named): void {
    this.onTable('glue:UpdateTable', named);
  }

  dropsTable(named: Named): void {
    this.readsTable(named);
    this.onTable('glue:DeleteTable', named);
  }

  listsTables(database: string): void {
    this.onDatabase('glue:GetTables', database);
  }

  listsDatabases(): void {
    this.onCatalogue('glue:GetDatabases', 'catalog');
  }

  private onTable(action: string, { database, table }: Named): void {
    this.onDatabase(action, database);
    this.onCatalogue(action, `table/${database}/${table}`);
  }

  private onDatabase(action: string, database: string): void {
    this.onCatalogue(action, 'catalog');
    this.onCatalogue(action, `database/${database}`);
  }

  private onCatalogue(action: string, resource: string): void {
    const { region, account } = this.place;
    this.require(
      () => this.caller.require(action, `arn:aws:glue:${region}:${account}:${resource}`),
      ({ message }) =>
        new QueryFailure(
          'Insufficient permissions to execute the query',
          `${message} (Service: AWSGlue; Status Code: 400; Error Code: AccessDeniedException)`,
        ),
    );
  }

  private onBucket(
    action: string,
    bucket: string,
    location: string,
    context: Readonly<Record<string, string>> = {},
  ): void {
    this.require(
      () => this.caller.require(action, `arn:aws:s3:::${bucket}`, context),
      () => new QueryFailure('PERMISSION_DENIED', `Permission denied on S3 path: ${location}`),
    );
  }

  private onObject(action: string, bucket: string, key: string): void {
    this.require(
      () => this.caller.require(action, `arn:aws:s3:::${bucket}/${key}`),
      () => new QueryFailure('PERMISSION_DENIED', `Permission denied on S3 path: s3://${bucket}/${key}`),
    );
  }

  private require(ask: () => void, failure: (denied: AccessDenied) => QueryFailure): void {
    try {
      ask();
    } catch (error) {
      throw error instanceof AccessDenied ? failure(error) : error;
    }
  }
}
