import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { constants, gunzipSync } from 'node:zlib';

/** What parts the cells of a file. */
type Delimiter = ',' | ';' | '\t' | '|';

const NAMES: Readonly<Record<Delimiter, string>> = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
  '|': 'vertical bars',
};

/** How a file is to be read, as its first bytes tell. */
export interface Dialect {
  readonly gzipped: boolean;
  /** UTF-16 is told by its mark, which the parser knows. */
  readonly encoding: 'utf8' | 'latin1';
  readonly delimiter: Delimiter;
  /** Line on which the table begins, from 1 on. */
  readonly firstLine: number;
}

/** The file holds no text that could be a table; the message says what it is, and what to do. */
export class NoTable extends Error {}

const HEAD_BYTES = 65_536;

/**
 * @throws NoTable
 * @throws what the file system throws.
 */
export async function dialectOf(file: string): Promise<Dialect> {
  const packed = await headOf(file);
  const gzipped = packed[0] === 0x1f && packed[1] === 0x8b;
  // The head of a gzip file ends before the file does.
  const head = gzipped ? gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH }) : packed;
  if (head.subarray(0, 2).equals(Buffer.from('PK'))) {
    throw new NoTable('a zip file, as workbooks (.xlsx) are too: unpack it, or save its table as CSV');
  }
  if (head[0] === 0xfe && head[1] === 0xff) {
    throw new NoTable('a text in big-endian UTF-16, which is not read: save it as UTF-8');
  }
  const wide = head[0] === 0xff && head[1] === 0xfe;
  if (!wide && head.includes(0)) {
    throw new NoTable('NUL bytes are in it, so that it is no text: fetch it again, or save its table as CSV');
  }
  // The last line may be cut in the middle of a letter.
  const whole = head.length < HEAD_BYTES ? head : head.subarray(0, head.lastIndexOf('\n') + 1);
  const encoding = wide || isUtf8(whole) ? 'utf8' : 'latin1';
  const lines = head
    .toString(wide ? 'utf16le' : encoding)
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/);
  const table = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  // Spreadsheets write and read such a line before the table.
  const [, said] = /^"?sep=([,;\t|])"?$/i.exec(lines[table]?.trim() ?? '') ?? [];
  const delimiter = isDelimiter(said) ? said : delimiterOf(lines[table] ?? '');
  return { gzipped, encoding, delimiter, firstLine: said === undefined ? 1 : table + 2 };
}

async function headOf(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function isDelimiter(text: string | undefined): text is Delimiter {
  return text !== undefined && Object.hasOwn(NAMES, text);
}

/** The mark that is most frequent in the first line, outside of quotes; commas where none is there. */
function delimiterOf(firstLine: string): Delimiter {
  const bare = firstLine.replace(/"[^"]*"/g, '');
  const count = (mark: Delimiter): number => bare.split(mark).length - 1;
  const other = ([';', '\t', '|'] as const).reduce((most, mark) => (count(mark) > count(most) ? mark : most));
  // In a line of values the commas may be decimal.
  return count(other) > 0 && (count(other) >= count(',') || /\d,\d/.test(bare)) ? other : ',';
}

export function nameOf(delimiter: Delimiter): string {
  return NAMES[delimiter];
}
