import { StringDecoder } from 'node:string_decoder';
import { Refusal } from '../terminal/refusal';
import type { Terminal } from './command';

/** The question was left without an answer. */
class Interrupted extends Refusal {
  override readonly name = 'Interrupted';
}

/** Far more than any key; whatever is longer is another file. */
const LONGEST_INPUT = 100_000;

/** What the keys of a terminal send: Ctrl-C and Ctrl-D give up. */
const ENTER = '\r\n';
const GIVEN_UP = '\u0003\u0004';
const ERASE = '\u007f\b';

/**
 * Reads a secret: on a terminal by a question whose answer does not appear, else all of standard input.
 * @throws Interrupted on Ctrl-C, or when the terminal is closed.
 */
export async function readSecret({ input, messages }: Terminal, question: string): Promise<string> {
  return input.isTTY === true && input.setRawMode !== undefined
    ? ask(input, (raw) => input.setRawMode?.(raw), messages, question)
    : readAll(input);
}

async function readAll(input: Terminal['input']): Promise<string> {
  let text = '';
  input.setEncoding('utf8');
  for await (const chunk of input) {
    text += String(chunk);
    if (text.length > LONGEST_INPUT) break;
  }
  return text;
}

function ask(
  input: Terminal['input'],
  setRaw: (raw: boolean) => unknown,
  messages: Terminal['messages'],
  question: string,
): Promise<string> {
  messages.write(question);
  // Nothing that is typed is echoed: the terminal hands over each key as it is.
  setRaw(true);
  const decoder = new StringDecoder('utf8');
  let text = '';
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      input.removeListener('data', read);
      input.removeListener('end', closed);
      setRaw(false);
      input.pause();
      messages.write('\n');
      settle();
    };
    const closed = (): void => end(() => reject(new Interrupted('No key was given; the one before stays.')));
    const read = (chunk: Buffer | string): void => {
      for (const key of typeof chunk === 'string' ? chunk : decoder.write(chunk)) {
        if (ENTER.includes(key)) {
          end(() => resolve(text));
          return;
        }
        if (GIVEN_UP.includes(key)) {
          closed();
          return;
        }
        text = ERASE.includes(key) ? text.slice(0, -1) : text + key;
      }
    };
    input.on('data', read);
    input.on('end', closed);
    input.resume();
  });
}
