import { explain } from '../../../lib/operate/explain';
import { operate } from '../../../lib/operate/main';
import { fakeTerminal } from './terminal';

/** No credentials, region or profiles but those that a test gives. */
const SURROUNDINGS = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
};
beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('AWS_') && !name.startsWith('AWS_SDK_')) delete process.env[name];
  }
  Object.assign(process.env, SURROUNDINGS);
});

async function said(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal();
  const code = await operate(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('without a way to AWS', () => {
  it('says that no region is set', async () => {
    expect(await said('status')).toEqual({
      code: 1,
      out: '',
      err: 'No region is set: give --region, or set AWS_REGION or the region of your profile.\n',
    });
  });

  it('says that there are no credentials', async () => {
    const { code, err } = await said('status', '--region', 'us-east-1');
    expect(code).toBe(1);
    expect(err).toMatch(/^There are no usable AWS credentials \(.*\): sign in .*\n$/);
  });

  it('names the profile that has none', async () => {
    const { err } = await said('status', '--region', 'us-east-1', '--profile', 'nobody');
    expect(err).toContain('There are no usable AWS credentials in the profile nobody');
  });

  it('says that a region can be none', async () => {
    process.env.AWS_ACCESS_KEY_ID = 'test';
    process.env.AWS_SECRET_ACCESS_KEY = 'test';
    expect((await said('status', '--region', 'us_east')).err).toMatch(/^Region not accepted.*\n$/);
  });
});

describe('explain', () => {
  const error = (name: string, message: string, more: object = {}): Error =>
    Object.assign(new Error(message), { name, ...more });

  it.each([
    [
      error('ExpiredTokenException', 'The security token included in the request is expired'),
      'AWS does not accept your credentials (ExpiredTokenException: The security token',
    ],
    [
      error('Error', 'getaddrinfo ENOTFOUND lambda.us-esat-1.amazonaws.com', { code: 'ENOTFOUND' }),
      'AWS could not be reached (getaddrinfo ENOTFOUND lambda.us-esat-1.amazonaws.com): is the network there',
    ],
    [
      error('AccessDeniedException', 'not authorized to perform: lambda:InvokeFunction\nmore', {
        $metadata: {},
      }),
      'AWS answered AccessDeniedException: not authorized to perform: lambda:InvokeFunction',
    ],
  ])('makes one sentence of %s', (given, sentence) => {
    expect(explain(given)).toContain(sentence);
    expect(explain(given)).not.toContain('\n');
  });

  it('keeps the stack of a defect', () => {
    expect(explain(new TypeError('x is undefined'))).toContain('aws.test.ts');
  });
});
