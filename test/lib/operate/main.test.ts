import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { COMMANDS } from '../../../lib/operate/commands';
import { operate } from '../../../lib/operate/main';
import { fakeTerminal } from './terminal';

/** Runs a command line that must be answered before anything is called. */
async function said(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = fakeTerminal();
  const code = await operate(args, terminal, () => Promise.reject(new Error('connected')));
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('npm run garoa', () => {
  it.each([[['help']], [['--help']], [['-h']], [['help', 'help']]])(
    'lists the commands for %j',
    async (args) => {
      const { code, out } = await said(...args);
      expect(code).toBe(0);
      for (const name of ['status', 'forecast <location>', 'promote <location> <version>', 'set-key']) {
        expect(out).toContain(`  ${name} `);
      }
    },
  );

  it.each([[['help', 'backfill']], [['backfill', '--help']], [['backfill', '-h', '--from', 'x']]])(
    'explains one command for %j, whatever else is there or missing',
    async (args) => {
      const { code, out } = await said(...args);
      expect(code).toBe(0);
      expect(out).toContain('--from DATE');
      expect(out).toContain('--no-wait');
      expect(out).toContain('--profile NAME');
    },
  );

  it('has each command in the README', () => {
    const readme = readFileSync(resolve(__dirname, '../../../README.md'), 'utf8');
    for (const { name, operands } of COMMANDS) {
      expect(readme).toContain(`| \`${[name, ...operands.map((operand) => `<${operand}>`)].join(' ')}`);
    }
  });

  it('lists the commands as a mistake when none is given', async () => {
    const { code, out, err } = await said();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('rollback <location>');
  });

  it('finds the command behind options and their values', async () => {
    expect((await said('--stage', 'forecast', 'status')).err).toContain('connected');
  });

  it.each([
    [['statsu'], 'Unknown command "statsu". Did you mean status?'],
    [['hlp'], 'Unknown command "hlp". Did you mean help?'],
    [['help', 'promot'], 'Unknown command "promot". Did you mean promote?'],
    [['zzzzzzzzzzzz'], 'Unknown command "zzzzzzzzzzzz". See npm run garoa -- help.'],
    [['--jsn'], 'Unknown option --jsn. Did you mean --json?'],
    [['status', '--jsn'], 'Unknown option --jsn. Did you mean --json? See npm run garoa -- help status.'],
    [['status', '--from', '2026-11-01'], 'Unknown option --from.'],
    [['status', '--stage', 'a', '--stage', 'b'], '--stage is given twice.'],
    [['status', '--stage'], '--stage needs a value.'],
    [['forecast'], 'forecast needs <location>. See npm run garoa -- help forecast.'],
    [['promote', 'jfk'], 'promote needs <location> <version>.'],
    [['rollback', 'jfk', 'lga'], 'Unexpected "lga".'],
    [['rollback', 'jfk', '--reason', 'x'.repeat(501)], '--reason holds 500 characters at most'],
    [['backfill'], 'backfill needs --from'],
    [['backfill', '--from', '2026-02-30'], '--from needs a UTC day such as 2026-11-23, not "2026-02-30".'],
    [['backfill', '--from', 'yesterday'], '--from needs a UTC day'],
    [['backfill', '--from', '2026-11-01', '--to', '2026-11-1'], '--to needs a UTC day'],
    [
      ['backfill', '--from', '2026-11-02', '--to', '2026-11-01'],
      '--from 2026-11-02 lies after --to 2026-11-01.',
    ],
    [['backfill', '--from', '2000-01-01', '--to', '2026-11-01'], 'One backfill takes 4000 days'],
    [['backfill', '--from', '2026-11-01', '--locations', 'a,,b'], '--locations needs ids with commas'],
    [['retrain', '--as-of', '2026-11-01'], '--as-of needs an instant such as 2026-11-23T10:00:00Z'],
    [['history', 'jfk', '--at', 'noon'], '--at needs an instant'],
  ])('refuses %j before it calls anything', async (args, sentence) => {
    const { code, out, err } = await said(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(sentence);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });

  it.each([
    [['status', '--json'], 'connected'],
    [['status', '--json', '--json'], '--json is given twice.'],
    [['statsu', '--json'], 'Unknown command "statsu".'],
    [['--json'], 'No command is given.'],
  ])('answers in JSON when %j fails', async (args, sentence) => {
    const { code, out, err } = await said(...args);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ error: { message: expect.stringContaining(sentence) } });
    expect(err).not.toBe('');
  });

  it.each([
    [['set-key', 's3cr3t-key']],
    [['set-key', '--key', 's3cr3t-key']],
    [['set-key', '--s3cr3t-key']],
    [['set-key', '--json=s3cr3t-key']],
  ])('refuses a key on the command line and does not repeat it: %j', async (args) => {
    const { code, out, err } = await said(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('reads the key from standard input, never from the command line');
    expect(err).not.toContain('s3cr3t');
  });

  it('knows what can be no stage', async () => {
    const terminal = fakeTerminal();
    expect(await operate(['status', '--stage', 'Prod!'], terminal)).toBe(1);
    expect(terminal.err()).toContain('--stage "Prod!" can be none: use up to 16 lower-case letters');
  });

  it.each(['stage', 'region', 'profile'])('does not take --%s for the local cloud', async (name) => {
    const terminal = fakeTerminal();
    expect(await operate(['status', '--local', `--${name}`, 'x'], terminal)).toBe(1);
    expect(terminal.err()).toContain(`--${name} has no meaning with --local.`);
  });
});
