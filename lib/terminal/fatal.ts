import { errorCode } from './error-code';
import { Refusal } from './refusal';

/** What a shell reports of a program whose reader has gone: `npm start | head`. */
const READER_GONE = 141;

/** One line for what a person can mend, an unknown option or a full disk among it; the error with its stack for a defect. */
export function wordsOf(error: unknown): unknown {
  if (errorCode(error) === 'EPIPE') return 'The reader of the output has gone (EPIPE).';
  if (!(error instanceof Error)) return error;
  const isOption = errorCode(error)?.startsWith('ERR_PARSE_ARGS') === true;
  return error instanceof Refusal || isOption || 'syscall' in error ? error.message : error;
}

/** Ends the process with a line and a code where a stream or a timer fails outside of everything that is awaited. */
export function endWhenFatal(messages: { write(text: string): unknown }): void {
  process.once('uncaughtException', (error) => {
    const words = wordsOf(error);
    messages.write(`${typeof words === 'string' ? words : error.stack}\n`);
    process.exit(errorCode(error) === 'EPIPE' ? READER_GONE : 1);
  });
}
