import { PassThrough } from 'node:stream';
import { readSecret } from '../../../lib/operate/secret-input';
import { fakeTerminal } from './terminal';

/** A person at a terminal: keys go in one by one, and what appears is remembered. */
function atTerminal() {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (on: boolean) => raw.push(on),
  });
  const terminal = { ...fakeTerminal(), input };
  return { input, raw, terminal, answer: readSecret(terminal, 'Key: ') };
}

describe('readSecret', () => {
  it('takes all of what is piped in', async () => {
    expect(await readSecret(fakeTerminal({ input: 'k3y\n' }), 'Key: ')).toBe('k3y\n');
  });

  it('asks at a terminal, shows nothing of the answer, and leaves the terminal as it was', async () => {
    const { input, raw, terminal, answer } = atTerminal();
    for (const typed of ['k', '3', 'x', '\u007f', 'y', '\r']) input.write(typed);
    expect(await answer).toBe('k3y');
    expect(terminal.err()).toBe('Key: \n');
    expect(raw).toEqual([true, false]);
  });

  it('takes a pasted line up to its end', async () => {
    const { input, answer } = atTerminal();
    input.write('k3y\nand more');
    expect(await answer).toBe('k3y');
  });

  it('puts together a character that comes in two pieces', async () => {
    const { input, answer } = atTerminal();
    const [first = 0, second = 0] = Buffer.from('é');
    input.write(Buffer.from([first]));
    input.write(Buffer.from([second]));
    input.write('\r');
    expect(await answer).toBe('é');
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('gives up at %s', async (_, key) => {
    const { input, raw, answer } = atTerminal();
    input.write(`k3y${key}`);
    await expect(answer).rejects.toThrow('No key was given');
    expect(raw).toEqual([true, false]);
  });

  it('gives up when the terminal is closed', async () => {
    const { input, answer } = atTerminal();
    input.end();
    await expect(answer).rejects.toThrow('No key was given');
  });
});
