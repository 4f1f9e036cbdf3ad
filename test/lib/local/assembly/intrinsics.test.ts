import { Resolver, type StackTemplate, templateSchema } from '../../../../lib/local/assembly/intrinsics';

const stack = (stackName: string, template: object): StackTemplate => ({
  stackName,
  template: templateSchema.parse(template),
});

function resolver(...stacks: StackTemplate[]): Resolver {
  return new Resolver({
    region: 'us-east-1',
    account: '123456789012',
    stacks,
    identify: (_, logicalId, { Type }) =>
      Type === 'Known' ? { ref: `ref-${logicalId}`, attributes: { Arn: `arn-${logicalId}` } } : undefined,
  });
}

const lake = stack('lake', {
  Resources: { Raw: { Type: 'Known' }, Odd: { Type: 'Other' } },
  Outputs: {
    Out: {
      Value: { 'Fn::GetAtt': ['Raw', 'Arn'] },
      Export: { Name: { 'Fn::Sub': `\${AWS::StackName}-raw` } },
    },
  },
  Mappings: { Sizes: { prod: { memory: 256 } } },
  Parameters: { Version: { Type: 'String', Default: '/cdk/bootstrap' } },
});
const pipeline = stack('pipeline', { Resources: { Fn: { Type: 'Known' } } });

describe('Resolver', () => {
  it.each<[string, unknown, unknown]>([
    ['Ref', { Ref: 'Raw' }, 'ref-Raw'],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Raw', 'Arn'] }, 'arn-Raw'],
    [
      'the output of another stack',
      {
        'Fn::GetStackOutput': { StackName: 'lake', OutputName: 'Out', Region: { Ref: 'AWS::Region' } },
      },
      'arn-Raw',
    ],
    ['GetAtt as text', { 'Fn::GetAtt': 'Raw.Arn' }, 'arn-Raw'],
    [
      'pseudo parameters',
      { 'Fn::Join': [':', [{ Ref: 'AWS::Partition' }, { Ref: 'AWS::AccountId' }]] },
      'aws:123456789012',
    ],
    ['a parameter', { Ref: 'Version' }, '/cdk/bootstrap'],
    [
      'Sub',
      { 'Fn::Sub': `s3://\${Raw}/\${!literal}/\${Raw.Arn}/\${AWS::Region}` },
      `s3://ref-Raw/\${literal}/arn-Raw/us-east-1`,
    ],
    ['Sub with variables', { 'Fn::Sub': [`\${a}-\${b}`, { a: 1, b: { Ref: 'Raw' } }] }, '1-ref-Raw'],
    ['Select and Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'Raw' }] }] }, 'Raw'],
    ['FindInMap', { 'Fn::FindInMap': ['Sizes', 'prod', 'memory'] }, 256],
    ['NoValue in an object', { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
    ['Base64', { 'Fn::Base64': 'garoa' }, 'Z2Fyb2E='],
  ])('resolves %s', (_, value, expected) => {
    expect(resolver(lake).resolve('lake', value, 'here')).toEqual(expected);
  });

  it('follows an export into the stack that it comes from', () => {
    expect(resolver(lake, pipeline).resolve('pipeline', { 'Fn::ImportValue': 'lake-raw' }, 'here')).toBe(
      'arn-Raw',
    );
  });

  it.each<[string, unknown, string]>([
    ['an intrinsic', { 'Fn::If': ['a', 1, 2] }, 'Stack lake, here: the intrinsic Fn::If is not known here'],
    [
      'a reference to a type',
      { Ref: 'Odd' },
      'Stack lake, here: a reference to Odd, whose type Other is not known here',
    ],
    ['a reference to nothing', { Ref: 'Nothing' }, 'there is no resource Nothing'],
    ['an attribute', { 'Fn::GetAtt': ['Raw', 'Size'] }, 'the attribute Raw.Size is not known here'],
    ['an export', { 'Fn::ImportValue': 'other' }, 'nothing exports "other"'],
  ])('refuses %s that it does not know, and says where', (_, value, reason) => {
    expect(() => resolver(lake).resolve('lake', value, 'here')).toThrow(reason);
  });
});
