import { Readable } from 'node:stream';
import type { Terminal } from '../../../lib/operate/command';

/** A terminal that remembers what it was told. */
export interface FakeTerminal extends Terminal {
  /** Results, and everything else, so far. */
  out(): string;
  err(): string;
  readonly opened: readonly string[];
}

export function fakeTerminal(given: { input?: string; directory?: string; isTTY?: true } = {}): FakeTerminal {
  let out = '';
  let err = '';
  const opened: string[] = [];
  return {
    input: Readable.from([Buffer.from(given.input ?? '')]),
    output: {
      write(text) {
        out += text;
      },
    },
    messages: {
      ...(given.isTTY && { isTTY: true }),
      write(text) {
        err += text;
      },
    },
    openInBrowser: (file) => opened.push(file),
    directory: given.directory ?? '/nowhere',
    out: () => out,
    err: () => err,
    opened,
  };
}
