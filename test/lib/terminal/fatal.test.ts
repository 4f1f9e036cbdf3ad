import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../../../lib/project-root';
import { wordsOf } from '../../../lib/terminal/fatal';
import { Refusal } from '../../../lib/terminal/refusal';

describe('wordsOf', () => {
  it('is one line for what a person can mend', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(wordsOf(full)).toBe('ENOSPC: no space left on device, write');
    expect(wordsOf(new Refusal('Do this.'))).toBe('Do this.');
    const unknown = Object.assign(new TypeError("Unknown option '--olny'"), {
      code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION',
    });
    expect(wordsOf(unknown)).toBe("Unknown option '--olny'");
  });

  it('keeps the stack of a defect', () => {
    const defect = new TypeError('x is not a function');
    expect(wordsOf(defect)).toBe(defect);
  });
});

it('a command line whose reader has gone ends with a line and a code', async () => {
  const script = `
    require(${JSON.stringify(join(projectRoot, 'lib/terminal/fatal'))}).endWhenFatal(process.stderr);
    setInterval(() => process.stdout.write('x'.repeat(65536)), 1);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--eval', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  expect([code, said]).toEqual([141, 'The reader of the output has gone (EPIPE).\n']);
});
