import { Aws, CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as athena from 'aws-cdk-lib/aws-athena';
import * as glue from 'aws-cdk-lib/aws-glue';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { OBSERVATIONS, PAGES_PREFIX, TABLES, type Zone } from '../../lambdas/lake/layout';
import { VIEWS } from '../../lambdas/lake/sql/views';
import { PROVIDERS } from '../../lambdas/weather/providers';
import type { GaroaConfig } from '../config';
import { onObjects, roleWith, tableListing } from '../constructs/permissions';
import { cronOf } from '../constructs/weekly';
import { applicationName, resourceName } from '../names';
import { tableInput } from './tables';
import { viewInput } from './views';

/** Names of what holds the data, for the stacks that work on it. */
export interface DataLake {
  readonly rawBucket: string;
  readonly processedBucket: string;
  readonly modelsBucket: string;
  readonly queryResultsBucket: string;
  readonly database: string;
  readonly workgroup: string;
  /** Absent when the provider needs no key. */
  readonly apiKeySecret?: { readonly name: string; readonly arn: string };
}

export interface DataLakeStackProps extends StackProps {
  readonly config: GaroaConfig;
}

/**
 * A query that would read more than this is cancelled. An hour's work reads megabytes and a year's history a
 * few gigabytes: only a query that forgot its `dt` gets here.
 */
const BYTES_SCANNED_CUTOFF = 100 * 1024 ** 3;

/** Long enough to look at yesterday's page; S3 takes the shorter of two rules that meet an object. */
const SUPERSEDED_PAGES = Duration.days(7);

/**
 * Everything that holds state. Buckets with data stay when the stack goes: observations of past hours can't
 * be bought again, and models are the ledger's evidence. The catalogue, the workgroup and the secret go with
 * the stack: they are made again from the code, and from the key that the provider's site shows.
 */
export class DataLakeStack extends Stack {
  readonly lake: DataLake;

  constructor(scope: Construct, id: string, { config, ...props }: DataLakeStackProps) {
    super(scope, id, props);
    const { retention, stage } = config;
    const provider = PROVIDERS[config.provider];

    const raw = this.bucket('Raw', {
      lifecycleRules: [
        { id: 'AbandonedUploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
        ...(retention.rawDays === undefined
          ? []
          : [{ id: 'Retention', expiration: Duration.days(retention.rawDays) }]),
      ],
    });
    const processed = this.bucket('Processed', {
      lifecycleRules: [{ id: 'AbandonedUploads', abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    });
    const models = this.bucket('Models', {
      // Model files are written once; versions keep what a pointer, a page or a mistake replaced.
      versioned: true,
      lifecycleRules: [
        {
          id: 'SupersededVersions',
          noncurrentVersionExpiration: Duration.days(retention.supersededModelDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
        {
          // An index an hour and a page a day: what they replaced is of no use to anybody for long.
          id: 'SupersededPages',
          prefix: PAGES_PREFIX,
          noncurrentVersionExpiration: SUPERSEDED_PAGES,
        },
      ],
    });
    const queryResults = this.bucket('QueryResults', {
      lifecycleRules: [
        {
          id: 'Retention',
          expiration: Duration.days(retention.queryResultDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
    });
    const zones: Readonly<Record<Zone, s3.Bucket>> = { raw, processed, models };

    const database = stage === 'prod' ? 'garoa' : `garoa_${stage}`;
    const catalogue = this.database(
      'Database',
      database,
      'Weather observed, hours refined, forecasts issued',
    );
    const definitions = [
      ...TABLES.map((layout) =>
        tableInput(layout, `s3://${zones[layout.zone].bucketName}/${layout.prefix}`, config.firstDay),
      ),
      ...VIEWS.map((view) => viewInput(view, database)),
    ];
    for (const definition of definitions) {
      new glue.CfnTable(this, `Table-${definition.name}`, {
        catalogId: Aws.ACCOUNT_ID,
        databaseName: database,
        tableInput: definition,
      }).addResourceDependency(catalogue);
    }

    const workgroup = applicationName(stage);
    new athena.CfnWorkGroup(this, 'WorkGroup', {
      name: workgroup,
      description: 'Queries of Garoa and of those who ask it',
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        // Nothing that a client says changes where results go or that they are encrypted.
        enforceWorkGroupConfiguration: true,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: BYTES_SCANNED_CUTOFF,
        resultConfiguration: {
          outputLocation: `s3://${queryResults.bucketName}/`,
          encryptionConfiguration: { encryptionOption: 'SSE_S3' },
        },
      },
    });

    this.crawler(config, raw);

    this.lake = {
      rawBucket: this.exported('RawBucket', raw.bucketName, 'Replies of the provider as they came'),
      processedBucket: this.exported('ProcessedBucket', processed.bucketName, 'Hours and forecasts'),
      modelsBucket: this.exported('ModelsBucket', models.bucketName, 'Models, ledger and pages'),
      queryResultsBucket: this.exported('QueryResultsBucket', queryResults.bucketName, 'Results of queries'),
      database,
      workgroup,
      ...(provider.needsKey && { apiKeySecret: this.apiKey(stage, provider.title) }),
    };
  }

  private bucket(id: string, props: s3.BucketProps): s3.Bucket {
    const bucket = new s3.Bucket(this, id, {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      ...props,
    });
    // What stays is guarded as before: requests without TLS are refused.
    bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Public weather, reached by three functions and the owner: access logs would hold more objects than the lake. CloudTrail data events can be switched on for an audit.',
    });
    return bucket;
  }

  private database(id: string, name: string, description: string): glue.CfnDatabase {
    return new glue.CfnDatabase(this, id, {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name, description },
    });
  }

  /**
   * Looks once a week at what the replies contain by now, in a database of its own: it can't touch a table
   * that queries depend on, and nothing waits for it.
   */
  private crawler({ stage, schedules }: GaroaConfig, raw: s3.Bucket): void {
    const name = stage === 'prod' ? 'garoa_discovery' : `garoa_${stage}_discovery`;
    const discovery = this.database('Discovery', name, "What a crawler finds in the provider's replies");
    const ofGlue = (resource: string, resourceName?: string) =>
      this.formatArn({ service: 'glue', resource, ...(resourceName !== undefined && { resourceName }) });
    const role = roleWith(this, 'CrawlerRole', {
      description: 'Reads the raw zone and describes it in the discovery database',
      principal: new iam.ServicePrincipal('glue.amazonaws.com'),
      grants: [
        onObjects(this, raw.bucketName, `${OBSERVATIONS.prefix}*`, ['s3:GetObject']),
        tableListing(this, raw.bucketName),
        {
          actions: [
            'glue:GetDatabase',
            'glue:GetTable',
            'glue:GetTables',
            'glue:CreateTable',
            'glue:UpdateTable',
            'glue:GetPartition',
            'glue:GetPartitions',
            'glue:CreatePartition',
            'glue:UpdatePartition',
            'glue:BatchGetPartition',
            'glue:BatchCreatePartition',
            'glue:BatchUpdatePartition',
          ],
          resources: [ofGlue('catalog'), ofGlue('database', name), ofGlue('table', `${name}/*`)],
          wildcard: 'Tables of the discovery database, which the crawler names itself.',
        },
        {
          actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [this.formatArn({ service: 'logs', resource: 'log-group:/aws-glue/crawlers:*' })],
          wildcard: 'Streams of the log group that all Glue crawlers write to.',
        },
      ],
    });
    const crawler = new glue.CfnCrawler(this, 'Crawler', {
      name: resourceName(stage, 'discovery'),
      description: "Shows in which fields the provider's replies come by now",
      role: role.roleArn,
      databaseName: name,
      targets: { s3Targets: [{ path: `s3://${raw.bucketName}/${OBSERVATIONS.prefix}` }] },
      schedule: { scheduleExpression: cronOf(schedules.crawl) },
      recrawlPolicy: { recrawlBehavior: 'CRAWL_NEW_FOLDERS_ONLY' },
      // Required for crawling new folders only; drift shows in the schemas of new partitions.
      schemaChangePolicy: { updateBehavior: 'LOG', deleteBehavior: 'LOG' },
      configuration: JSON.stringify({
        Version: 1,
        Grouping: { TableGroupingPolicy: 'CombineCompatibleSchemas' },
      }),
    });
    crawler.addResourceDependency(discovery);
    Validations.of(crawler).acknowledge({
      id: 'AwsSolutions-GL1',
      reason:
        'The log tells which folders were crawled; a key of its own for it would cost more than the crawler.',
    });
  }

  /**
   * Made without a value: until the owner sets the key, the function can tell "not set" from "wrong", and an
   * update of the stack can't overwrite it. CloudFormation deletes secrets for good, so that the name is free
   * for the next deployment.
   */
  private apiKey(stage: string, title: string): NonNullable<DataLake['apiKeySecret']> {
    const name = resourceName(stage, 'api-key');
    const secret = new secretsmanager.CfnSecret(this, 'ApiKey', {
      name,
      description: `Key of ${title}`,
    });
    secret.applyRemovalPolicy(RemovalPolicy.DESTROY);
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'The provider issues the key on its site and has no interface to rotate it.',
    });
    return {
      name,
      arn: this.exported('ApiKeySecret', secret.ref, 'Set it with: aws secretsmanager put-secret-value'),
    };
  }

  /** An output that people read after deployment, and the value under which other stacks import it. */
  private exported(name: string, value: string, description: string): string {
    return new CfnOutput(this, `${name}Name`, {
      value,
      description,
      exportName: `${this.stackName}:${name}`,
    }).importValue;
  }
}
