/** The `aws-chunked` body was damaged or cut off. */
export class IncompleteBody extends Error {}

export interface DecodedBody {
  readonly content: Buffer;
  /** Trailing headers, lower-case: the SDK sends its checksum there. */
  readonly trailers: Readonly<Record<string, string>>;
}

/**
 * Takes the framing off a body that the SDK sent as `Content-Encoding: aws-chunked`
 * (STREAMING-UNSIGNED-PAYLOAD-TRAILER and the signed kinds, whose signatures are not checked):
 * `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n` … `0\r\n<trailers>\r\n`.
 * @throws IncompleteBody when the framing does not hold to the end.
 */
export function decodeAwsChunked(body: Buffer): DecodedBody {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const header = readLine(body, at);
    const size = /^([0-9a-f]+)(?:;.*)?$/i.exec(header.text)?.[1];
    if (size === undefined) {
      throw new IncompleteBody('A chunk does not begin with its size.');
    }
    const length = Number.parseInt(size, 16);
    at = header.next;
    if (length === 0) {
      return { content: Buffer.concat(chunks), trailers: readTrailers(body, at) };
    }
    if (body.toString('latin1', at + length, at + length + 2) !== '\r\n') {
      throw new IncompleteBody('A chunk is shorter than it says.');
    }
    chunks.push(body.subarray(at, at + length));
    at += length + 2;
  }
}

function readTrailers(body: Buffer, start: number): Record<string, string> {
  const trailers: Record<string, string> = {};
  let at = start;
  while (at < body.length) {
    const line = readLine(body, at);
    at = line.next;
    const colon = line.text.indexOf(':');
    if (colon > 0) {
      trailers[line.text.slice(0, colon).trim().toLowerCase()] = line.text.slice(colon + 1).trim();
    }
  }
  return trailers;
}

function readLine(body: Buffer, start: number): { text: string; next: number } {
  const end = body.indexOf('\r\n', start, 'latin1');
  if (end < 0) {
    throw new IncompleteBody('The body ends inside a chunk header.');
  }
  return { text: body.toString('latin1', start, end), next: end + 2 };
}
