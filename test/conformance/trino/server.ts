import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheFolder, fetchBy, freePort } from '../fetched';
import { Unavailable } from '../unavailable';

/** Athena's engine version 3 follows Trino; this is the last version that runs on Java 17 with the Hive connector. */
export const TRINO_VERSION = '435';

export interface TrinoServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const CACHE = cacheFolder(`garoa-trino-${TRINO_VERSION}`);
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:2.8';
const STARTED = 'SERVER STARTED';
const START_TIMEOUT_MS = 180_000;

/** Trino's own launcher is in no Maven repository; this is all that it does. */
const START_CLASS = `public class Start {
  public static void main(String[] arguments) {
    new io.trino.server.Server().start(arguments[0]);
  }
}
`;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>conformance</groupId><artifactId>trino</artifactId><version>1</version><packaging>pom</packaging>
  <dependencyManagement><dependencies><dependency>
    <groupId>io.trino</groupId><artifactId>trino-root</artifactId><version>${TRINO_VERSION}</version>
    <type>pom</type><scope>import</scope>
  </dependency></dependencies></dependencyManagement>
  <dependencies><dependency>
    <groupId>io.trino</groupId><artifactId>trino-main</artifactId><version>${TRINO_VERSION}</version>
  </dependency></dependencies>
</project>
`;

/** Starts or reaches a server, given the S3 endpoint that holds the tables and a folder for its files. */
type TrinoStart = (s3: string, directory: string) => Promise<TrinoServer>;

/**
 * Makes sure that there can be a server, before anything is done for it: one that the environment names, or what one is
 * made of, fetched with Maven once. `TRINO_URL` is a server's address; its catalogue `awsdatacatalog` has the properties
 * below with `http://<host>:<TRINO_S3_PORT>` for S3.
 * @throws Unavailable when that server does not answer; without Java 17 (a JDK) or Maven; when something can't be fetched.
 */
export async function prepareTrino(): Promise<TrinoStart> {
  const url = process.env.TRINO_URL?.replace(/\/$/, '');
  if (url === undefined) {
    requireTools();
    const classPath = fetchServer();
    return (s3, directory) => startTrino(classPath, s3, directory);
  }
  const port = Number(process.env.TRINO_S3_PORT);
  if (!Number.isInteger(port)) {
    throw new Unavailable('TRINO_URL is set, but TRINO_S3_PORT does not say where that server looks for S3.');
  }
  const answer = await fetch(`${url}/v1/info`).catch(() => undefined);
  if (answer?.ok !== true) throw new Unavailable(`no Trino answers at TRINO_URL, ${url}.`);
  return (s3) => forwardS3(url, port, s3);
}

/** Lets a server that looks for S3 at a port of this machine find it there. */
async function forwardS3(url: string, port: number, s3: string): Promise<TrinoServer> {
  const forward = createServer((socket) => {
    const target = connect(Number(new URL(s3).port), '127.0.0.1');
    socket.pipe(target).pipe(socket);
    for (const one of [socket, target]) one.on('error', () => one.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    forward.once('error', reject).listen(port, resolve);
  });
  return { url, stop: async () => void forward.close() };
}

/**
 * Starts a Trino server with the Hive connector over an S3 endpoint, its catalogue in files of a bucket there.
 * @param s3 endpoint that holds the bucket `metastore` and those of the tables
 * @throws Unavailable when it does not come up.
 */
async function startTrino(classPath: string, s3: string, directory: string): Promise<TrinoServer> {
  const port = await freePort();
  const etc = join(directory, 'etc');
  mkdirSync(join(etc, 'catalog'), { recursive: true });
  writeFileSync(join(etc, 'catalog', 'awsdatacatalog.properties'), properties(catalogProperties(s3)));
  writeFileSync(
    join(etc, 'config.properties'),
    properties({
      'node.environment': 'conformance',
      'node.internal-address': '127.0.0.1',
      'node.bind-ip': '127.0.0.1',
      coordinator: 'true',
      'node-scheduler.include-coordinator': 'true',
      'http-server.http.port': String(port),
      'discovery.uri': `http://127.0.0.1:${port}`,
      'query.max-memory': '1GB',
      'query.max-memory-per-node': '1GB',
      'memory.heap-headroom-per-node': '500MB',
      'plugin.dir': join(CACHE, 'plugin'),
      'catalog.config-dir': join(etc, 'catalog'),
      'catalog.management': 'static',
    }),
  );
  const log = join(directory, 'trino.log');
  writeFileSync(log, '');
  const child = spawn(
    'java',
    [
      '-Xmx2g',
      '-XX:+ExitOnOutOfMemoryError',
      '-Djdk.attach.allowAttachSelf=true',
      '-Duser.timezone=UTC',
      `-Dconfig=${join(etc, 'config.properties')}`,
      '-cp',
      `${CACHE}:${classPath}`,
      'Start',
      TRINO_VERSION,
    ],
    { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said = createWriteStream(log);
  child.stdout.pipe(said);
  child.stderr.pipe(said);
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  await started(child, log);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      process.removeListener('exit', end);
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** What makes a server read the check's buckets as Athena would. */
function catalogProperties(s3: string): Readonly<Record<string, string>> {
  return {
    'connector.name': 'hive',
    'hive.metastore': 'file',
    'hive.metastore.catalog.dir': 's3://metastore/catalog',
    'hive.metastore.disable-location-checks': 'true',
    'hive.non-managed-table-writes-enabled': 'true',
    'hive.partition-projection-enabled': 'true',
    // Athena reads folders in folders.
    'hive.recursive-directories': 'true',
    'hive.security': 'allow-all',
    'fs.hadoop.enabled': 'false',
    'fs.native-s3.enabled': 'true',
    's3.endpoint': s3,
    's3.region': 'us-east-1',
    's3.path-style-access': 'true',
    's3.aws-access-key': 'test',
    's3.aws-secret-key': 'test',
  };
}

function properties(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function requireTools(): void {
  const java = spawnSync('javac', ['-version'], { encoding: 'utf8' });
  const version = /javac (\d+)/.exec(`${java.stdout}${java.stderr}`)?.[1];
  if (version !== '17') {
    throw new Unavailable(
      version === undefined
        ? 'there is no Java compiler (javac) here; Trino needs a JDK 17.'
        : `Java ${version} is here; Trino ${TRINO_VERSION} needs 17.`,
    );
  }
  if (spawnSync('mvn', ['--version']).status !== 0) {
    throw new Unavailable('there is no Maven (mvn) here to fetch Trino with.');
  }
}

/** Fetches server and plugin unless they are there, and tells the server's class path. */
function fetchServer(): string {
  const plugin = join(CACHE, 'plugin', 'hive');
  try {
    return readFileSync(join(CACHE, 'complete'), 'utf8');
  } catch {
    rmSync(CACHE, { recursive: true, force: true });
  }
  mkdirSync(join(CACHE, 'plugin'), { recursive: true });
  writeFileSync(join(CACHE, 'pom.xml'), POM);
  writeFileSync(join(CACHE, 'Start.java'), START_CLASS);
  const run = (command: string, args: readonly string[], cwd = CACHE) =>
    fetchBy(`Trino ${TRINO_VERSION}`, command, args, cwd);
  const library = join(CACHE, 'lib');
  run('mvn', [
    ...['-q', '-B', '-f', join(CACHE, 'pom.xml'), `${DEPENDENCY_PLUGIN}:copy-dependencies`],
    ...['-DincludeScope=runtime', `-DoutputDirectory=${library}`],
  ]);
  run('mvn', [
    ...['-q', '-B', `${DEPENDENCY_PLUGIN}:copy`],
    ...[`-Dartifact=io.trino:trino-hive:${TRINO_VERSION}:zip`, `-DoutputDirectory=${CACHE}`],
  ]);
  const name = `trino-hive-${TRINO_VERSION}`;
  run('jar', ['xf', join(CACHE, `${name}.zip`)], join(CACHE, 'plugin'));
  renameSync(join(CACHE, 'plugin', name), plugin);
  rmSync(join(CACHE, `${name}.zip`));
  const classPath = join(library, '*');
  run('javac', ['-cp', classPath, '-d', CACHE, join(CACHE, 'Start.java')]);
  writeFileSync(join(CACHE, 'complete'), classPath);
  return classPath;
}

async function started(child: ChildProcess, log: string): Promise<void> {
  const limit = performance.now() + START_TIMEOUT_MS;
  const text = () => readFileSync(log, 'utf8');
  while (!text().includes(STARTED)) {
    if (child.exitCode !== null || performance.now() > limit) {
      child.kill('SIGKILL');
      throw new Unavailable(`Trino did not start:\n${text().split('\n').slice(-20).join('\n')}`);
    }
    await delay(250);
  }
}
