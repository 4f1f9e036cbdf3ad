import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectRoot } from '../../../lib/project-root';
import { cacheFolder, fetchBy, freePort } from '../fetched';
import { Unavailable } from '../unavailable';

export const MINISTACK_VERSION = '1.5.33';
/** Functions run as local processes of the Node version that the templates name. */
export const NODE_VERSION = '24.21.0';
const REGION = 'us-east-1';
const ACCOUNT = '123456789012';

const CACHE = cacheFolder(`garoa-ministack-${MINISTACK_VERSION}`);
const START_TIMEOUT_MS = 120_000;

export interface Emulator {
  readonly url: string;
  /** Certificate of its own that signs for its address. */
  readonly certificate: string;
  /** What a process needs so that its SDK clients, or CDK, come here as the account's administrator. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it said so far. */
  log(): string;
  stop(): Promise<void>;
}

/**
 * Starts MiniStack with IAM and TLS on, its gaps closed by `gaps.py`. It and the functions' Node are fetched once.
 * @param directory where its state and its log go
 * @param athenaUrl what functions are told to call Athena
 * @throws Unavailable without Python 3.10, or when something can't be fetched or started.
 */
export async function startMiniStack(directory: string, athenaUrl: string): Promise<Emulator> {
  const python = fetchMiniStack();
  const node = fetchNode();
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const temporary = join(directory, 'temporary');
  mkdirSync(temporary, { recursive: true });
  const logFile = join(directory, 'ministack.log');
  writeFileSync(logFile, '');
  const own = ofThisMachine(process.env);
  const child = spawn(python, [join(projectRoot, 'test/conformance/aws/gaps.py')], {
    cwd: directory,
    // A group of its own: functions are its children.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...own,
      PATH: `${node}:${own.PATH}`,
      PYTHONDONTWRITEBYTECODE: '1',
      TMPDIR: temporary,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_HOST: '127.0.0.1',
      MINISTACK_ACCOUNT_ID: ACCOUNT,
      MINISTACK_REGION: REGION,
      AUTH: 'true',
      USE_SSL: '1',
      SFTP_ENABLED: '0',
      IOT_MTLS_ENABLED: '0',
      AWS_ENDPOINT_URL_ATHENA: athenaUrl,
    },
  });
  const said = createWriteStream(logFile);
  child.stdout.pipe(said);
  child.stderr.pipe(said);
  const end = () => endGroup(child);
  process.once('exit', end);
  const certificateFile = join(temporary, 'ministack-tls', 'server.crt');
  const log = () => readFileSync(logFile, 'utf8');
  await started(child, url, certificateFile, log);
  return {
    url,
    certificate: readFileSync(certificateFile, 'utf8'),
    environment: {
      ...own,
      AWS_ENDPOINT_URL: url,
      NODE_EXTRA_CA_CERTS: certificateFile,
      // CDK's own clients take the certificate from here.
      AWS_CA_BUNDLE: certificateFile,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
    },
    log,
    async stop() {
      process.removeListener('exit', end);
      const ended = new Promise((resolve) => child.once('close', resolve));
      endGroup(child);
      await ended;
    },
  };
}

/** The first line of what Python says of its version; undefined when there is none. */
export function pythonVersion(): string | undefined {
  return /Python (\S+)/.exec(spawnSync('python3', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
}

/** The interpreter of an environment that holds MiniStack. */
function fetchMiniStack(): string {
  const version = pythonVersion();
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  if (version === undefined)
    throw new Unavailable('there is no Python 3 (python3) here; MiniStack needs 3.10.');
  if (major < 3 || minor < 10) {
    throw new Unavailable(`Python ${version} is here; MiniStack ${MINISTACK_VERSION} needs 3.10.`);
  }
  const what = `MiniStack ${MINISTACK_VERSION}`;
  const folder = join(CACHE, 'python');
  const python = join(folder, 'bin', 'python');
  complete(folder, () => {
    fetchBy(what, 'python3', ['-m', 'venv', folder], CACHE);
    const options = ['--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '20'];
    fetchBy(
      what,
      python,
      ['-m', 'pip', 'install', ...options, `ministack[full]==${MINISTACK_VERSION}`],
      CACHE,
    );
  });
  return python;
}

/** The folder of the `node` that runs functions. */
function fetchNode(): string {
  const folder = join(CACHE, `node-${NODE_VERSION}`);
  complete(folder, () => {
    const options = [
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--fetch-retries',
      '1',
    ];
    fetchBy(`Node ${NODE_VERSION}`, 'npm', ['install', ...options, `node@${NODE_VERSION}`], CACHE);
  });
  return join(folder, 'node_modules', 'node', 'bin');
}

/** Makes a folder of the cache once, and anew when an earlier try did not come to its end. */
function complete(folder: string, make: () => void): void {
  const sign = join(folder, 'complete');
  if (existsSync(sign)) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make();
  writeFileSync(sign, '');
}

/**
 * Profiles, credentials, endpoints, proxies and certificates of whoever runs the check lead elsewhere, and nothing of the
 * check leaves this machine.
 */
function ofThisMachine(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^AWS_|_PROXY$|^NODE_EXTRA_CA_CERTS$/i.test(entry[0]),
    ),
  );
}

async function started(
  child: ChildProcess,
  url: string,
  certificateFile: string,
  log: () => string,
): Promise<void> {
  const limit = performance.now() + START_TIMEOUT_MS;
  while (!(existsSync(certificateFile) && (await answers(url, readFileSync(certificateFile, 'utf8'))))) {
    if (child.exitCode !== null || performance.now() > limit) {
      endGroup(child);
      throw new Unavailable(`MiniStack did not start:\n${log().split('\n').slice(-20).join('\n')}`);
    }
    await delay(250);
  }
}

function answers(url: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${url}/_ministack/health`, { ca, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('error', () => resolve(false));
    request.once('timeout', () => request.destroy(new Error('no answer')));
  });
}

function endGroup({ pid, exitCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in this moment.
  }
}
