import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { compareKeys, keyPartOfName, pathOfKey } from './object-path';

/** What a client said about an object beside its bytes; given back with it. */
const attributesSchema = z.object({
  /** Reply headers: content-type, content-encoding, cache-control, x-amz-meta-*, x-amz-checksum-*. */
  headers: z.record(z.string(), z.string()),
});
export type ObjectAttributes = z.infer<typeof attributesSchema>;

const journalLine = attributesSchema.extend({
  path: z.string(),
  size: z.number(),
  modified: z.number(),
  etag: z.string(),
});

export interface StoredObject {
  readonly key: string;
  readonly path: string;
  readonly size: number;
  /** Quoted, as it stands in headers. */
  readonly etag: string;
  readonly lastModified: Date;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Listing {
  readonly objects: readonly StoredObject[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page begins; absent on the last. */
  readonly next?: ListPosition;
}

/** After this key, or after all keys that begin with this common prefix. */
export type ListPosition = { readonly key: string } | { readonly prefix: string };

/** An object's file; `version` changes whenever its content may have. */
export interface ObjectFile {
  readonly key: string;
  readonly path: string;
  readonly size: number;
  readonly version: string;
}

/** The key cannot be a file's path: too long a part, or a file stands where it needs a directory. */
export class UnstorableKey extends Error {}

interface Known extends ObjectAttributes {
  readonly size: number;
  readonly modified: number;
  readonly etag: string;
}

/**
 * Buckets on disk: each object is the plain file `<directory>/s3/<bucket>/<key>`, whose modification time is
 * S3's LastModified. Files are the truth; what a file cannot say, such as its content type,
 * stands in a journal beside the tree and counts only while the file is as it was written.
 *
 * Calls are synchronous on purpose: writing a small object takes some 100 µs, a fraction of what a trip
 * through the thread pool costs, and each conditional write is one step that nothing can come between.
 */
export class ObjectStore {
  private readonly known = new Map<string, Known>();
  private readonly staging: string;
  private readonly journal: string;
  private staged = 0;

  constructor(
    private readonly directory: string,
    private readonly buckets: ReadonlySet<string>,
    private readonly now: () => Date,
  ) {
    this.staging = join(directory, 's3-staging');
    this.journal = join(directory, 's3-attributes.ndjson');
    // Files that an ended process left half-written are of no use.
    rmSync(this.staging, { recursive: true, force: true });
    mkdirSync(this.staging, { recursive: true });
    for (const bucket of buckets) {
      mkdirSync(this.pathOf(bucket, ''), { recursive: true });
    }
    this.readJournal();
  }

  hasBucket(name: string): boolean {
    return this.buckets.has(name);
  }

  /** A path for a file that is to become an object by `adopt`, on the same file system. */
  stagingPath(): string {
    this.staged += 1;
    return join(this.staging, String(this.staged));
  }

  /** Where the object's file is, or would be. */
  pathOf(bucket: string, key: string): string {
    return key === ''
      ? join(this.directory, 's3', bucket)
      : join(this.directory, 's3', bucket, pathOfKey(key));
  }

  head(bucket: string, key: string): StoredObject | undefined {
    const path = this.pathOf(bucket, key);
    const stats = statFile(path);
    return stats === undefined ? undefined : this.describe(key, path, stats);
  }

  read(object: StoredObject): Buffer {
    return readFileSync(object.path);
  }

  put(bucket: string, key: string, content: Buffer | string, attributes?: ObjectAttributes): StoredObject {
    const staged = this.stagingPath();
    writeFileSync(staged, content);
    return this.place(bucket, key, staged, attributes ?? { headers: {} }, etagOf(content));
  }

  /** Makes a staged file the object, in one step. */
  adopt(bucket: string, key: string, staged: string, attributes?: ObjectAttributes): StoredObject {
    return this.place(bucket, key, staged, attributes ?? { headers: {} }, etagOf(readFileSync(staged)));
  }

  copy(source: StoredObject, bucket: string, key: string, attributes: ObjectAttributes): StoredObject {
    const staged = this.stagingPath();
    copyFileSync(source.path, staged);
    return this.adopt(bucket, key, staged, attributes);
  }

  /** Deleting what is not there is no error, as in S3. */
  delete(bucket: string, key: string): void {
    const path = this.pathOf(bucket, key);
    this.known.delete(path);
    try {
      unlinkSync(path);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EPERM', 'ENAMETOOLONG')) {
        throw error;
      }
      return;
    }
    this.removeEmptyParents(bucket, path);
  }

  /**
   * One page of a listing in key order. Costs the page, not the bucket: directories before `from` or outside
   * `prefix` are not opened, and one below a common prefix is not either.
   */
  list(
    bucket: string,
    options: { prefix: string; delimiter?: string; from?: ListPosition; limit: number },
  ): Listing {
    const { prefix, delimiter, limit } = options;
    const objects: StoredObject[] = [];
    const commonPrefixes: string[] = [];
    let last: ListPosition | undefined;
    const full = () => objects.length + commonPrefixes.length >= limit;
    for (const entry of this.walk(bucket, prefix, delimiter === '/', options.from)) {
      const end = delimiter ? entry.key.indexOf(delimiter, prefix.length) : -1;
      const group = delimiter && end >= 0 ? entry.key.slice(0, end + delimiter.length) : undefined;
      if (group !== undefined && group === commonPrefixes.at(-1)) {
        continue;
      }
      if (full()) {
        return last === undefined ? { objects, commonPrefixes } : { objects, commonPrefixes, next: last };
      }
      if (group !== undefined) {
        commonPrefixes.push(group);
        last = { prefix: group };
      } else {
        const stats = statFile(entry.path);
        if (stats !== undefined) {
          objects.push(this.describe(entry.key, entry.path, stats));
          last = { key: entry.key };
        }
      }
    }
    return { objects, commonPrefixes };
  }

  /** Files of all objects whose key begins with `prefix`, for readers that go to the disk themselves. */
  files(bucket: string, prefix: string): ObjectFile[] {
    const found: ObjectFile[] = [];
    for (const { key, path } of this.walk(bucket, prefix, false, undefined)) {
      const stats = statFile(path);
      if (stats !== undefined) {
        found.push({ key, path, size: stats.size, version: `${stats.ino}/${stats.ctimeMs}/${stats.size}` });
      }
    }
    return found;
  }

  private place(
    bucket: string,
    key: string,
    staged: string,
    attributes: ObjectAttributes,
    etag: string,
  ): StoredObject {
    const path = this.pathOf(bucket, key);
    const now = this.now();
    utimesSync(staged, now, now);
    moveInto(staged, path);
    const stats = statSync(path);
    const known = { headers: attributes.headers, etag, size: stats.size, modified: stats.mtimeMs };
    this.known.set(path, known);
    if (Object.keys(attributes.headers).length > 0) {
      appendFileSync(this.journal, `${JSON.stringify({ path: this.journalPath(path), ...known })}\n`);
    }
    return this.describe(key, path, stats);
  }

  private describe(key: string, path: string, stats: Stats): StoredObject {
    let known = this.known.get(path);
    if (known === undefined || known.size !== stats.size || known.modified !== stats.mtimeMs) {
      known = { headers: {}, etag: etagOf(readFileSync(path)), size: stats.size, modified: stats.mtimeMs };
      this.known.set(path, known);
    }
    return {
      key,
      path,
      size: stats.size,
      etag: `"${known.etag}"`,
      lastModified: new Date(stats.mtimeMs),
      headers: known.headers,
    };
  }

  private *walk(
    bucket: string,
    prefix: string,
    stopAtDirectories: boolean,
    from: ListPosition | undefined,
  ): Generator<{ readonly key: string; readonly path: string }> {
    const base = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const root = base === '' ? this.pathOf(bucket, '') : this.pathOf(bucket, base.slice(0, -1));
    const pending = [namesIn(root, base)];
    for (let level = pending.at(-1); level !== undefined; level = pending.at(-1)) {
      const entry = level.pop();
      if (entry === undefined) {
        pending.pop();
      } else if (!overlaps(entry.key, prefix) || isPassed(entry, from)) {
        // Outside the prefix, or on an earlier page.
      } else if (!entry.isDirectory || (stopAtDirectories && entry.key.length > prefix.length)) {
        yield entry;
      } else {
        pending.push(namesIn(entry.path, entry.key));
      }
    }
  }

  private removeEmptyParents(bucket: string, path: string): void {
    const root = this.pathOf(bucket, '');
    for (let parent = dirname(path); parent !== root; parent = dirname(parent)) {
      try {
        rmdirSync(parent);
      } catch {
        return; // Not empty: neither are those above it.
      }
    }
  }

  private readJournal(): void {
    if (!existsSync(this.journal)) {
      return;
    }
    const text = readFileSync(this.journal, 'utf8');
    // A process that ended in the middle of a line leaves half of one, which the next line must not continue.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) truncateSync(this.journal, Buffer.byteLength(whole));
    for (const line of whole.split('\n')) {
      if (line !== '') {
        const { path, ...known } = journalLine.parse(JSON.parse(line));
        this.known.set(join(this.directory, 's3', path), known);
      }
    }
  }

  private journalPath(path: string): string {
    return path.slice(join(this.directory, 's3').length + 1);
  }
}

/** Unquoted ETag of an object. */
function etagOf(content: Buffer | string): string {
  return createHash('md5').update(content).digest('hex');
}

interface DirectoryEntry {
  /** Ends in `/` for a directory, which puts it where its keys belong in the order. */
  readonly key: string;
  readonly path: string;
  readonly isDirectory: boolean;
}

/** Entries of a directory, last key first, so that they are taken from the end. */
function namesIn(directory: string, keyPrefix: string): DirectoryEntry[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .map((entry) => ({
        key: `${keyPrefix}${keyPartOfName(entry.name)}${entry.isDirectory() ? '/' : ''}`,
        path: join(directory, entry.name),
        isDirectory: entry.isDirectory(),
      }))
      .sort((a, b) => compareKeys(b.key, a.key));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) {
      return [];
    }
    throw error;
  }
}

function overlaps(key: string, prefix: string): boolean {
  return key.startsWith(prefix) || (key.endsWith('/') && prefix.startsWith(key));
}

function isPassed(entry: DirectoryEntry, from: ListPosition | undefined): boolean {
  if (from === undefined) {
    return false;
  }
  if ('prefix' in from) {
    return (
      entry.key.startsWith(from.prefix) ||
      (compareKeys(entry.key, from.prefix) < 0 && !(entry.isDirectory && from.prefix.startsWith(entry.key)))
    );
  }
  return compareKeys(entry.key, from.key) <= 0 && !(entry.isDirectory && from.key.startsWith(entry.key));
}

function statFile(path: string): Stats | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? stats : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOTDIR', 'ENAMETOOLONG')) {
      return undefined;
    }
    throw error;
  }
}

function moveInto(staged: string, path: string): void {
  try {
    try {
      renameSync(staged, path);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) {
        throw error;
      }
      mkdirSync(dirname(path), { recursive: true });
      renameSync(staged, path);
    }
  } catch (error) {
    unlinkSync(staged);
    if (hasCode(error, 'ENAMETOOLONG')) {
      throw new UnstorableKey('A part of the key between slashes is longer than a file name can be.');
    }
    if (hasCode(error, 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY')) {
      throw new UnstorableKey('Objects are files here: a key cannot also be the directory of another one.');
    }
    throw error;
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    codes.includes(error.code)
  );
}
