import * as z from 'zod';
import type { Role } from '../iam/access';
import { type Policy, parsePolicy } from '../iam/policy';
import type { TemplateReader } from './reader';

const document = z.unknown();
const roleProperties = z.object({
  AssumeRolePolicyDocument: document,
  Policies: z.array(z.object({ PolicyName: z.string(), PolicyDocument: document })).default([]),
});
const attachedProperties = z.object({
  PolicyName: z.string(),
  PolicyDocument: document,
  Roles: z.array(z.string()),
});
const permissionProperties = z.object({
  Action: z.string(),
  FunctionName: z.string(),
  Principal: z.string(),
  SourceAccount: z.string().optional(),
  SourceArn: z.string().optional(),
});

/** The roles with their inline policies and those that are attached to them. @throws UnknownPolicy */
export function readRoles(template: TemplateReader): Role[] {
  const attached = template
    .all('AWS::IAM::Policy')
    .map((placed) => template.properties(placed, attachedProperties));
  return template.all('AWS::IAM::Role').map((placed) => {
    const { ref: name, attributes } = template.identity(placed);
    const { AssumeRolePolicyDocument, Policies } = template.properties(placed, roleProperties);
    const own = [...Policies, ...attached.filter(({ Roles }) => Roles.includes(name))];
    return {
      name,
      arn: attributes.Arn ?? name,
      trust: parsePolicy(`${name}/trust`, AssumeRolePolicyDocument),
      policies: own.map(({ PolicyName, PolicyDocument }) =>
        parsePolicy(`${name}/${PolicyName}`, PolicyDocument),
      ),
    };
  });
}

/** Policies of buckets, queues and topics, and the permissions of functions. @throws UnknownPolicy */
export function readResourcePolicies(template: TemplateReader): Policy[] {
  const documents = ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy']
    .flatMap((type) => template.all(type))
    .map((placed) => {
      const { PolicyDocument } = template.properties(placed, z.object({ PolicyDocument: document }));
      return parsePolicy(placed.logicalId, PolicyDocument);
    });
  const permissions = template.all('AWS::Lambda::Permission').map((placed) => {
    const { Action, FunctionName, Principal, ...source } = template.properties(placed, permissionProperties);
    return parsePolicy(placed.logicalId, {
      Version: '2012-10-17',
      Statement: {
        Effect: 'Allow',
        Principal: { Service: Principal },
        Action,
        Resource: FunctionName,
        Condition: {
          ...(source.SourceArn === undefined ? {} : { ArnLike: { 'aws:SourceArn': source.SourceArn } }),
          ...(source.SourceAccount === undefined
            ? {}
            : { StringEquals: { 'aws:SourceAccount': source.SourceAccount } }),
        },
      },
    });
  });
  return [...documents, ...permissions];
}
