import { AccessControl, AccessDenied, type Caller, RoleNotAssumable } from '../../../../lib/local/iam/access';
import type { Context } from '../../../../lib/local/iam/conditions';
import { parsePolicy } from '../../../../lib/local/iam/policy';

const ACCOUNT = '123456789012';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/worker`;
const policy = (name: string, ...statements: readonly object[]) =>
  parsePolicy(name, { Version: '2012-10-17', Statement: statements });
const allow = (Action: string | string[], Resource: string | string[] = '*', more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const deny = (Action: string | string[], Resource: string | string[] = '*', more: object = {}) => ({
  ...allow(Action, Resource, more),
  Effect: 'Deny',
});
const TRUST = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };

interface Deployment {
  readonly statements?: readonly object[];
  readonly resource?: readonly object[];
  readonly trust?: object;
}

function control({ statements = [], resource = [], trust = TRUST }: Deployment): AccessControl {
  return new AccessControl({
    account: ACCOUNT,
    roles: [
      { name: 'worker', arn: ROLE, trust: policy('trust', trust), policies: [policy('own', ...statements)] },
    ],
    resourcePolicies: [policy('resource', ...resource)],
  });
}

const worker = (deployment: Deployment): Caller =>
  control(deployment).assume('lambda.amazonaws.com', ROLE, 'session');
const OBJECT = 'arn:aws:s3:::lake/raw/2026/a.json';

describe('what a role may do', () => {
  it.each<[string, readonly object[], boolean]>([
    ['nothing without a statement', [], false],
    ['what a statement allows', [allow('s3:GetObject', 'arn:aws:s3:::lake/*')], true],
    ['an action in any spelling of its letters', [allow('S3:getobject')], true],
    ['actions of a wildcard', [allow('s3:Get*')], true],
    ['no other action', [allow('s3:PutObject')], false],
    ['no other resource', [allow('s3:GetObject', 'arn:aws:s3:::other/*')], false],
    ['no resource whose letters differ in case', [allow('s3:GetObject', 'arn:aws:s3:::LAKE/*')], false],
    ['a question mark is one character', [allow('s3:GetObject', 'arn:aws:s3:::lake/raw/202?/a.json')], true],
    ['and not none', [allow('s3:GetObject', 'arn:aws:s3:::lake/raw/2026/a.json?')], false],
    ['a wildcard may stand in the middle', [allow('s3:GetObject', 'arn:aws:s3:::lake/*/a.json')], true],
    ['a wildcard reaches over slashes', [allow('s3:GetObject', 'arn:aws:s3:::l*.json')], true],
    ['a dot is a dot', [allow('s3:GetObject', 'arn:aws:s3:::lake/raw/2026/aXjson')], false],
    [
      'a wildcard does not reach over colons before the resource',
      [allow('s3:GetObject', 'arn:*/a.json')],
      false,
    ],
    ['an explicit deny wins', [allow('s3:*'), deny('s3:GetObject', 'arn:aws:s3:::lake/*')], false],
    ['wherever it stands', [deny('*', 'arn:aws:s3:::lake/raw/*'), allow('*')], false],
    ['a deny of something else denies nothing', [allow('s3:*'), deny('s3:PutObject')], true],
    ['NotAction is every other action', [{ Effect: 'Allow', NotAction: 's3:Put*', Resource: '*' }], true],
    ['and not these', [{ Effect: 'Allow', NotAction: ['s3:Put*', 's3:Get*'], Resource: '*' }], false],
    [
      'NotResource is every other one',
      [{ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::x' }],
      true,
    ],
    ['and not these', [{ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::lake/*' }], false],
  ])('%s', (_, statements, expected) => {
    expect(worker({ statements }).allows('s3:GetObject', OBJECT)).toBe(expected);
  });

  it('takes the resource of an ARN with colons of its own whole', () => {
    const stream = 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:log-stream:s';
    const group = 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*';
    expect(worker({ statements: [allow('logs:*', group)] }).allows('logs:PutLogEvents', stream)).toBe(true);
  });

  it('says in the words of IAM what is missing or forbidden', () => {
    const nothing = worker({});
    expect(() => nothing.require('s3:GetObject', OBJECT)).toThrow(
      `User: arn:aws:sts::123456789012:assumed-role/worker/session is not authorized to perform: s3:GetObject on resource: ${OBJECT} because no identity-based policy allows the s3:GetObject action`,
    );
    const forbidden = worker({ statements: [allow('*'), deny('s3:*')] });
    expect(() => forbidden.require('s3:GetObject', OBJECT)).toThrow(
      'with an explicit deny in an identity-based',
    );
  });
});

describe('conditions', () => {
  it.each<[string, object, Context, boolean]>([
    [
      'StringEquals, any of the values',
      { StringEquals: { 's3:prefix': ['a', 'b'] } },
      { 's3:prefix': 'b' },
      true,
    ],
    ['StringEquals, none', { StringEquals: { 's3:prefix': ['a', 'b'] } }, { 's3:prefix': 'c' }, false],
    ['StringEquals, missing', { StringEquals: { 's3:prefix': 'a' } }, {}, false],
    ['StringEqualsIfExists, missing', { StringEqualsIfExists: { 's3:prefix': 'a' } }, {}, true],
    [
      'StringNotEquals, none of the values',
      { StringNotEquals: { 's3:prefix': ['a', 'b'] } },
      { 's3:prefix': 'a' },
      false,
    ],
    ['StringNotEquals, missing', { StringNotEquals: { 's3:prefix': 'a' } }, {}, true],
    ['StringLike', { StringLike: { 's3:prefix': 'raw/*' } }, { 's3:prefix': 'raw/x' }, true],
    [
      'StringEqualsIgnoreCase',
      { StringEqualsIgnoreCase: { 's3:prefix': 'RAW' } },
      { 's3:prefix': 'raw' },
      true,
    ],
    ['keys in any spelling', { StringEquals: { 'S3:PREFIX': 'a' } }, { 's3:Prefix': 'a' }, true],
    [
      'all lines must hold',
      { StringEquals: { 's3:prefix': 'a' }, Bool: { 'aws:SecureTransport': 'false' } },
      { 's3:prefix': 'a' },
      false,
    ],
    ['Bool', { Bool: { 'aws:SecureTransport': true } }, {}, true],
    ['NumericLessThan', { NumericLessThan: { 's3:TlsVersion': 1.2 } }, {}, false],
    ['NumericGreaterThanEquals', { NumericGreaterThanEquals: { 's3:TlsVersion': '1.3' } }, {}, true],
    [
      'ArnLike',
      { ArnLike: { 'aws:SourceArn': 'arn:aws:events:*:*:rule/?' } },
      { 'aws:SourceArn': 'arn:aws:events:r:1:rule/a' },
      true,
    ],
    [
      'ArnEquals of another',
      { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:r:1:rule/b' } },
      { 'aws:SourceArn': 'arn:aws:events:r:1:rule/a' },
      false,
    ],
    ['Null true: absent', { Null: { 'events:source': 'true' } }, {}, true],
    ['Null false: present', { Null: { 'events:source': 'false' } }, { 'events:source': ['a'] }, true],
    ['Null false: absent', { Null: { 'events:source': 'false' } }, {}, false],
    [
      'ForAllValues, all',
      { 'ForAllValues:StringEquals': { 'events:source': ['a', 'b'] } },
      { 'events:source': ['b', 'a'] },
      true,
    ],
    [
      'ForAllValues, one other',
      { 'ForAllValues:StringEquals': { 'events:source': 'a' } },
      { 'events:source': ['a', 'c'] },
      false,
    ],
    ['ForAllValues, none there', { 'ForAllValues:StringEquals': { 'events:source': 'a' } }, {}, true],
    [
      'ForAnyValue, one of them',
      { 'ForAnyValue:StringEquals': { 'events:source': 'a' } },
      { 'events:source': ['a', 'c'] },
      true,
    ],
    ['ForAnyValue, none there', { 'ForAnyValue:StringEquals': { 'events:source': 'a' } }, {}, false],
    [
      'ForAllValues negated',
      { 'ForAllValues:StringNotEquals': { 'events:source': 'a' } },
      { 'events:source': ['a', 'c'] },
      false,
    ],
  ])('%s', (_, Condition, context, expected) => {
    const caller = worker({ statements: [allow('*', '*', { Condition })] });
    expect(caller.allows('events:PutEvents', 'arn:aws:events:r:1:event-bus/default', context)).toBe(expected);
  });

  it('know the services that a call goes through', () => {
    const Condition = { 'ForAnyValue:StringEquals': { 'aws:CalledVia': 'athena.amazonaws.com' } };
    const caller = worker({ statements: [allow('glue:GetTable', '*', { Condition })] });
    expect(caller.allows('glue:GetTable', 't')).toBe(false);
    expect(caller.via('athena.amazonaws.com').allows('glue:GetTable', 't')).toBe(true);
  });
});

it.each<[string, object, string]>([
  [
    'a condition operator',
    allow('*', '*', { Condition: { IpAddress: { 'aws:SourceArn': 'x' } } }),
    'IpAddress',
  ],
  [
    'a condition key',
    allow('*', '*', { Condition: { StringEquals: { 'aws:username': 'x' } } }),
    'aws:username',
  ],
  ['a variable', allow('*', `arn:aws:s3:::lake/\${aws:username}`), `\${aws:username}`],
  ['an element', allow('*', '*', { NotPrincipal: '*' }), 'NotPrincipal'],
  ['a principal', { ...TRUST, Principal: { AWS: 'arn:aws:iam::123456789012:root' } }, ':root'],
  [
    'several values without a word on which count',
    allow('*', '*', { Condition: { StringEquals: { 'events:source': 'a' } } }),
    'ForAllValues or ForAnyValue',
  ],
])('refuses %s that is not evaluated here, by name', (_, statement, named) => {
  expect(() => policy('odd', statement)).toThrow(named);
});

describe('policies of resources', () => {
  const everybody = { Principal: '*' };

  it('allow by themselves within the account', () => {
    const resource = [allow('s3:GetObject', 'arn:aws:s3:::lake/*', { Principal: { AWS: ROLE } })];
    expect(worker({ resource }).allows('s3:GetObject', OBJECT)).toBe(true);
  });

  it('forbid what the role allows, to an administrator too', () => {
    const insecure = { ...everybody, Condition: { StringEquals: { 's3:prefix': 'secret' } } };
    const deployment = { statements: [allow('*')], resource: [deny('s3:*', 'arn:aws:s3:::lake*', insecure)] };
    const context = { 's3:prefix': 'secret' };
    expect(worker(deployment).allows('s3:ListBucket', 'arn:aws:s3:::lake')).toBe(true);
    expect(worker(deployment).allows('s3:ListBucket', 'arn:aws:s3:::lake', context)).toBe(false);
    const administrator = control(deployment).administrator();
    expect(administrator.allows('s3:ListBucket', 'arn:aws:s3:::lake')).toBe(true);
    expect(() => administrator.require('s3:ListBucket', 'arn:aws:s3:::lake', context)).toThrow(
      'with an explicit deny in a resource-based policy',
    );
  });

  it('are all that lets a service in that calls in its own name', () => {
    const queue = 'arn:aws:sqs:us-east-1:123456789012:dead';
    const Condition = { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:r:1:rule/a' } };
    const resource = [
      allow('sqs:SendMessage', queue, { Principal: { Service: 'events.amazonaws.com' }, Condition }),
    ];
    const from = (rule: string): boolean =>
      control({ resource, statements: [allow('*')] })
        .service('events.amazonaws.com', { 'aws:SourceArn': rule })
        .allows('sqs:SendMessage', queue);
    expect(from('arn:aws:events:r:1:rule/a')).toBe(true);
    expect(from('arn:aws:events:r:1:rule/b')).toBe(false);
  });
});

describe('taking on a role', () => {
  it('is for the services that its trust policy names', () => {
    expect(() => control({}).assume('states.amazonaws.com', ROLE, 's')).toThrow(RoleNotAssumable);
    expect(() => control({}).assume('lambda.amazonaws.com', 'arn:aws:iam::1:role/other', 's')).toThrow(
      "lambda.amazonaws.com can't assume the role arn:aws:iam::1:role/other",
    );
  });

  it('is bound to what the service says of itself', () => {
    const trust = { ...TRUST, Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT } } };
    const assume = (context: Context) => () =>
      control({ trust }).assume('lambda.amazonaws.com', ROLE, 's', context);
    expect(assume({ 'aws:SourceAccount': ACCOUNT })).not.toThrow();
    expect(assume({ 'aws:SourceAccount': '210987654321' })).toThrow(RoleNotAssumable);
    expect(assume({})).toThrow(RoleNotAssumable);
  });
});

it('tells what each statement was good for, and which calls were denied', () => {
  const statements = [
    allow('s3:*', 'arn:aws:s3:::lake/*'),
    allow(['s3:GetObject', 's3:PutObject']),
    allow('sqs:*'),
  ];
  const access = control({ statements });
  const caller = access.assume('lambda.amazonaws.com', ROLE, 's');
  caller.require('s3:GetObject', OBJECT);
  caller.require('s3:PutObject', 'arn:aws:s3:::other/x');
  expect(() => caller.require('glue:GetTable', 't')).toThrow(AccessDenied);
  expect(access.account().map(({ id, allowed, sole, used }) => [id, allowed, sole, used])).toEqual([
    ['trust #1', 1, 1, ['sts:AssumeRole']],
    ['own #1', 1, 0, ['s3:GetObject']],
    ['own #2', 2, 1, ['s3:GetObject', 's3:PutObject']],
    ['own #3', 0, 0, []],
  ]);
  expect(access.denials()).toMatchObject([{ action: 'glue:GetTable', resource: 't' }]);
});
