import * as z from 'zod';
import { TABLES } from '../../../lambdas/lake/layout';
import { VIEWS } from '../../../lambdas/lake/sql/views';
import { permissionsOf, resourcesOf, type Templates, text, theResource } from '../templates';

const tableInput = z.object({
  Name: z.string(),
  TableType: z.string(),
  Parameters: z.record(z.string(), z.unknown()),
  PartitionKeys: z.array(z.object({ Name: z.string(), Type: z.string() })).default([]),
  StorageDescriptor: z.looseObject({
    Columns: z.array(z.object({ Name: z.string(), Type: z.string(), Comment: z.string() })),
    SerdeInfo: z.object({ SerializationLibrary: z.string().optional() }).optional(),
    Location: z.unknown().optional(),
  }),
  ViewOriginalText: z.string().optional(),
});
/** Tests of the stack that holds data; `stacks.test.ts` synthesises for all of them. */
export function dataLakeTests({ dataLake }: Templates, withoutKey: Templates): void {
  const tables = resourcesOf(dataLake, 'AWS::Glue::Table').map(({ Properties }) => ({
    database: Properties.DatabaseName,
    ...tableInput.parse(Properties.TableInput),
  }));

  describe('the buckets', () => {
    const buckets = resourcesOf(dataLake, 'AWS::S3::Bucket');

    it('are closed to the public, encrypted, and stay when the stack goes', () => {
      expect(buckets).toHaveLength(4);
      for (const { Properties, DeletionPolicy } of buckets) {
        expect(DeletionPolicy).toBe('Retain');
        expect(Properties).toMatchObject({
          PublicAccessBlockConfiguration: {
            BlockPublicAcls: true,
            BlockPublicPolicy: true,
            IgnorePublicAcls: true,
            RestrictPublicBuckets: true,
          },
          BucketEncryption: expect.anything(),
        });
      }
    });

    it('refuse whoever does not come by TLS', () => {
      const policies = resourcesOf(dataLake, 'AWS::S3::BucketPolicy');
      expect(policies.map(({ Properties }) => Properties.Bucket).toSorted()).toEqual(
        buckets.map(({ id }) => ({ Ref: id })).toSorted(),
      );
      for (const { Properties } of policies) {
        expect(Properties).toMatchObject({
          PolicyDocument: {
            Statement: expect.arrayContaining([
              expect.objectContaining({
                Effect: 'Deny',
                Action: 's3:*',
                Condition: { Bool: { 'aws:SecureTransport': 'false' } },
              }),
            ]),
          },
        });
      }
    });

    it('forget query results within days, raw replies when told to, and models never while they are current', () => {
      const rules = new Map(
        buckets.map(({ id, Properties }) => [
          id.replace(/[0-9A-F]{8}$/, ''),
          Properties.LifecycleConfiguration,
        ]),
      );
      const expiration = (days: number) => ({
        Rules: expect.arrayContaining([
          expect.objectContaining({ ExpirationInDays: days, Status: 'Enabled' }),
        ]),
      });
      expect(rules.get('QueryResults')).toMatchObject(expiration(7));
      expect(rules.get('Raw')).toMatchObject(expiration(400));
      expect(JSON.stringify([rules.get('Models'), rules.get('Processed')])).not.toContain(
        '"ExpirationInDays"',
      );
    });

    it('keep what was replaced in the models bucket', () => {
      expect(
        buckets.filter(({ Properties }) => 'VersioningConfiguration' in Properties).map(({ id }) => id),
      ).toEqual([expect.stringMatching(/^Models/)]);
    });
  });

  describe('the catalogue', () => {
    it('has every table and view of the layout, in the database of the stage', () => {
      expect(tables.map(({ Name, database }) => [database, Name]).toSorted()).toEqual(
        [...TABLES, ...VIEWS].map(({ name }) => ['garoa_dev', name]).toSorted(),
      );
    });

    it.each(TABLES)('finds the objects of $name by projection, where the functions put them', (layout) => {
      const table = tables.find(({ Name }) => Name === layout.name);
      expect(table?.TableType).toBe('EXTERNAL_TABLE');
      expect(table?.StorageDescriptor.Columns.map(({ Name, Type }) => [Name, Type])).toEqual(
        layout.columns.map(({ name, type }) => [name, type]),
      );
      expect(table?.PartitionKeys.map(({ Name }) => Name)).toEqual(layout.partitions);
      expect(table?.Parameters).toMatchObject({
        'projection.enabled': 'true',
        'projection.dt.range': '2013-01-01,NOW+1DAY',
      });
      const location = text(table?.StorageDescriptor.Location);
      expect(location).toMatch(
        new RegExp(`^s3://<${layout.zone === 'raw' ? 'Raw' : 'Processed'}[0-9A-F]+>/${layout.prefix}$`),
      );
      const template = layout.partitions.map((name) => `${name}=\${${name}}/`).join('');
      expect(text(table?.Parameters['storage.location.template'])).toBe(location + template);
      expect(table?.StorageDescriptor.SerdeInfo?.SerializationLibrary).toBe(
        layout.format === 'json'
          ? 'org.apache.hive.hcatalog.data.JsonSerDe'
          : 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
      );
    });

    it('keeps comments within what Glue takes', () => {
      for (const { StorageDescriptor } of tables) {
        for (const { Comment } of StorageDescriptor.Columns) {
          expect(Comment.length).toBeLessThanOrEqual(255);
        }
      }
    });

    it.each(VIEWS)('stores $name as Athena stores a view', (view) => {
      const stored = tables.find(({ Name }) => Name === view.name);
      expect(stored).toMatchObject({
        TableType: 'VIRTUAL_VIEW',
        Parameters: { presto_view: 'true', comment: 'Presto View' },
      });
      const [, encoded = ''] =
        /^\/\* Presto View: ([A-Za-z0-9+/=]+) \*\/$/.exec(stored?.ViewOriginalText ?? '') ?? [];
      expect(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'))).toEqual({
        originalSql: view.sql('garoa_dev'),
        catalog: 'awsdatacatalog',
        schema: 'garoa_dev',
        columns: view.columns.map(({ name }) => ({
          name,
          type: expect.stringMatching(/^(varchar|double|integer|bigint|boolean|timestamp\(3\))$/),
        })),
        runAsInvoker: true,
      });
    });

    it('lets the crawler look, at nothing but the raw zone, and change nothing that is declared', () => {
      const { Properties } = theResource(dataLake, 'AWS::Glue::Crawler', () => true);
      expect(Properties).toMatchObject({
        DatabaseName: 'garoa_dev_discovery',
        SchemaChangePolicy: { UpdateBehavior: 'LOG', DeleteBehavior: 'LOG' },
        RecrawlPolicy: { RecrawlBehavior: 'CRAWL_NEW_FOLDERS_ONLY' },
        Schedule: { ScheduleExpression: 'cron(30 4 ? * MON *)' },
      });
      const permissions = permissionsOf(dataLake, Properties.Role);
      expect(permissions.filter((line) => line.startsWith('s3:GetObject'))).toEqual([
        expect.stringMatching(/<Raw[0-9A-F]+>\/observations\/\*$/),
      ]);
      expect(permissions.filter((line) => /glue:.*garoa_dev(\/|$)/.test(line))).toEqual([]);
    });
  });

  describe('the workgroup', () => {
    it('decides where results go, encrypts them, and ends queries that read too much', () => {
      const { Properties } = theResource(dataLake, 'AWS::Athena::WorkGroup', () => true);
      expect(Properties).toMatchObject({
        Name: 'garoa-dev',
        WorkGroupConfiguration: {
          EnforceWorkGroupConfiguration: true,
          BytesScannedCutoffPerQuery: expect.any(Number),
          ResultConfiguration: {
            OutputLocation: {
              'Fn::Join': ['', ['s3://', { Ref: expect.stringMatching(/^QueryResults/) }, '/']],
            },
            EncryptionConfiguration: { EncryptionOption: 'SSE_S3' },
          },
        },
      });
    });
  });

  describe('the API key', () => {
    it('gets a secret without a value, so that "not set" is not "wrong"', () => {
      const { Properties } = theResource(dataLake, 'AWS::SecretsManager::Secret', () => true);
      expect(Object.keys(Properties).toSorted()).toEqual(['Description', 'Name', 'Tags']);
    });

    it('gets none with a provider that needs none', () => {
      expect(resourcesOf(withoutKey.dataLake, 'AWS::SecretsManager::Secret')).toEqual([]);
      expect(JSON.stringify(withoutKey.pipeline.toJSON())).not.toContain('secretsmanager');
    });
  });
}
