import { Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference';
import type { Construct } from 'constructs';

/** One statement of a role. The grants of the CDK allow more than each part needs, so they are written out. */
export interface Grant {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, unknown>>;
  /** Why a resource ends in a wildcard; required by the check of synthesised roles wherever one does. */
  readonly wildcard?: string;
}

export interface RoleProps {
  readonly description: string;
  readonly principal: iam.IPrincipal;
  readonly grants: readonly Grant[];
}

/**
 * A role that may do what is listed and nothing else: constructs that it is handed to can't widen it.
 * Wildcards are acknowledged with the reason that the grant gives; one without a reason fails synthesis.
 */
export function roleWith(
  scope: Construct,
  id: string,
  { description, principal, grants }: RoleProps,
): iam.IRole {
  const role = new iam.Role(scope, id, {
    description,
    assumedBy: principal,
    inlinePolicies: {
      Grants: new iam.PolicyDocument({
        statements: grants.map(
          ({ actions, resources, conditions }) =>
            new iam.PolicyStatement({
              actions: [...actions],
              resources: [...resources],
              ...(conditions !== undefined && { conditions: { ...conditions } }),
            }),
        ),
      }),
    },
  });
  for (const { resources, wildcard } of grants) {
    if (wildcard !== undefined) {
      acknowledgeWildcards(role, resources, wildcard);
    }
  }
  return role.withoutPolicyUpdates();
}

function acknowledgeWildcards(role: iam.Role, resources: readonly string[], reason: string): void {
  for (const resource of resources) {
    const name = flattenCfnReference(Stack.of(role).resolve(resource));
    if (name.includes('*')) {
      Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${name}]`, reason });
    }
  }
}

function bucketArn(scope: Construct, bucket: string): string {
  return Stack.of(scope).formatArn({ service: 's3', region: '', account: '', resource: bucket });
}

type ObjectAction = 's3:GetObject' | 's3:PutObject' | 's3:DeleteObject';

/** Object operations on keys of a pattern: a prefix ends in `*`, and `*` alone is the whole bucket. */
export function onObjects(
  scope: Construct,
  bucket: string,
  keys: string,
  actions: readonly ObjectAction[],
): Grant {
  return {
    actions,
    resources: [`${bucketArn(scope, bucket)}/${keys}`],
    wildcard: 'Objects of one zone: dates, hours, locations and versions make their keys.',
  };
}

/** Listing a bucket, and learning of an absent object that it is absent and not forbidden. */
export function listing(scope: Construct, bucket: string): Grant {
  return { actions: ['s3:ListBucket'], resources: [bucketArn(scope, bucket)] };
}

/** The same for a bucket with tables: Athena, and a crawler, ask where it is in the name of who asks them. */
export function tableListing(scope: Construct, bucket: string): Grant {
  return { actions: ['s3:ListBucket', 's3:GetBucketLocation'], resources: [bucketArn(scope, bucket)] };
}

/** What Athena does in its output location in the name of the caller, and the caller with staged objects. */
export function queryResults(scope: Construct, bucket: string): Grant[] {
  return [
    {
      actions: [
        's3:GetObject',
        's3:PutObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
      ],
      resources: [`${bucketArn(scope, bucket)}/*`],
      wildcard: 'Results and staged tables lie under the ids of queries; all of it expires within days.',
    },
    {
      actions: ['s3:ListBucket', 's3:GetBucketLocation', 's3:ListBucketMultipartUploads'],
      resources: [bucketArn(scope, bucket)],
    },
  ];
}

/** Beginning of the names of tables that functions make and drop. */
const STAGING_TABLES = 'staging_';

/** Queries in the stage's workgroup and database; only staging tables may be made and dropped. */
export function athenaQueries(
  scope: Construct,
  names: { readonly database: string; readonly workgroup: string },
  /** Whether tables are listed, to find those that were left behind. */
  { sweeps }: { readonly sweeps: boolean },
): Grant[] {
  const glue = (resource: string, name?: string) =>
    Stack.of(scope).formatArn({
      service: 'glue',
      resource,
      ...(name !== undefined && { resourceName: name }),
    });
  const database = glue('database', names.database);
  return [
    {
      actions: [
        'athena:StartQueryExecution',
        'athena:GetQueryExecution',
        'athena:StopQueryExecution',
        'athena:GetQueryResults',
      ],
      resources: [
        Stack.of(scope).formatArn({
          service: 'athena',
          resource: 'workgroup',
          resourceName: names.workgroup,
        }),
      ],
    },
    {
      // No partitions: those of its tables are computed.
      actions: ['glue:GetDatabase', 'glue:GetTable', ...(sweeps ? ['glue:GetTables'] : [])],
      resources: [glue('catalog'), database, glue('table', `${names.database}/*`)],
      wildcard: 'Reading the catalogue of its own database.',
    },
    // Athena looks it up whatever database a query names.
    { actions: ['glue:GetDatabase'], resources: [glue('catalog'), glue('database', 'default')] },
    {
      // What CREATE TABLE AS and DROP TABLE do in the name of the caller.
      actions: [
        'glue:CreateTable',
        'glue:BatchCreatePartition',
        'glue:DeleteTable',
        'glue:GetPartition',
        'glue:GetPartitions',
        'glue:DeletePartition',
        'glue:BatchDeletePartition',
      ],
      resources: [glue('catalog'), database, glue('table', `${names.database}/${STAGING_TABLES}*`)],
      wildcard: 'Staging tables: each attempt names its own, and declared tables are out of reach.',
    },
  ];
}
