import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { Env } from '../../../lambdas/runtime/env';
import { projectRoot } from '../../../lib/project-root';
import type { Emulator } from './ministack';

const LONGEST_INVOCATION_MS = 15 * 60_000;
const TSX = [
  join(projectRoot, 'node_modules/tsx/dist/cli.mjs'),
  '--tsconfig',
  join(projectRoot, 'tsconfig.json'),
];
const REMOTE_APP = join(projectRoot, 'test/conformance/aws/remote-stack.ts');
const REMOTE_ASSEMBLY = 'remote.out';
const REMOTE_TESTS = ['s3', 'secrets-manager', 'event-bridge', 'lambda', 'step-functions'].map(
  (service) => `test/lib/local/${service}/endpoint`,
);

/** The emulated account as whoever deploys sees it: CDK, the command line, and two of the SDK's clients. */
export class Deployment {
  readonly s3: S3Client;
  private readonly lambda: LambdaClient;

  /** @param directory where commands run; it holds the assembly as `cdk.out` */
  constructor(
    private readonly emulator: Emulator,
    private readonly directory: string,
  ) {
    const configuration = {
      endpoint: emulator.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      requestHandler: { httpsAgent: { ca: emulator.certificate }, requestTimeout: LONGEST_INVOCATION_MS },
      maxAttempts: 1,
    };
    this.s3 = new S3Client({ ...configuration, forcePathStyle: true });
    this.lambda = new LambdaClient(configuration);
  }

  /** All that CDK says. @throws CommandFailed */
  cdk(...args: readonly string[]): Promise<string> {
    return this.cdkOf('cdk.out', ...args);
  }

  /** What `npm run garoa -- …` answers. @throws CommandFailed */
  garoa(args: readonly string[], input = ''): Promise<string> {
    return this.run([...TSX, join(projectRoot, 'bin/operate.ts'), ...args], input);
  }

  /** A function's answer. @throws CommandFailed with the function's own words. */
  async invoke(name: string, event: unknown): Promise<string> {
    const FunctionName = `garoa-prod-${name}`;
    const { Payload, FunctionError } = await this.lambda.send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
    );
    const answer = Payload?.transformToString() ?? '';
    if (FunctionError !== undefined) throw new CommandFailed(`${FunctionName} failed: ${answer}`);
    return answer;
  }

  /** Names of the lake's buckets, as the functions know them. */
  async buckets(): Promise<Readonly<Record<'raw' | 'processed' | 'models' | 'queryResults', string>>> {
    const { Environment } = await this.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'garoa-prod-hourly' }),
    );
    const named = (variable: string): string => {
      const name = Environment?.Variables?.[variable];
      if (name === undefined) throw new CommandFailed(`garoa-prod-hourly has no ${variable}.`);
      return name;
    };
    return {
      raw: named(Env.rawBucket),
      processed: named(Env.processedBucket),
      models: named(Env.modelsBucket),
      queryResults: named(Env.queryResultsBucket),
    };
  }

  /** Runs the tests of the local cloud that can ask an account, and answers with their tally. @throws CommandFailed */
  async tests(): Promise<string> {
    await this.run([...TSX, REMOTE_APP, REMOTE_ASSEMBLY], '');
    await this.cdkOf(REMOTE_ASSEMBLY, 'deploy', '--require-approval', 'never');
    const jest = [
      join(projectRoot, 'node_modules/jest/bin/jest.js'),
      '--runInBand',
      '--rootDir',
      projectRoot,
    ];
    const said = await this.run([...jest, ...REMOTE_TESTS], '', projectRoot);
    await this.cdkOf(REMOTE_ASSEMBLY, 'destroy', '--force');
    return /^Tests:\s+(.*)$/m.exec(said)?.[1] ?? said;
  }

  private cdkOf(app: string, ...args: readonly string[]): Promise<string> {
    const command = [join(projectRoot, 'node_modules/aws-cdk/bin/cdk'), ...args];
    return this.run([...command, '--app', app, '--no-notices', '--ci'], '');
  }

  private async run(command: readonly string[], input: string, cwd = this.directory): Promise<string> {
    const child = spawn(process.execPath, command, {
      cwd,
      env: {
        ...this.emulator.environment,
        REMOTE: 'ministack',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    if (code !== 0) throw new CommandFailed(said.trim().split('\n').slice(-30).join('\n'));
    return said;
  }
}

/** Something that should have gone well did not; the message is what it said. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}
