import { createProgress } from '../../../lib/terminal/progress';

function record(isTTY: boolean) {
  let text = '';
  let time = 0;
  const output = { isTTY, columns: 60, write: (part: string) => (text += part) };
  return {
    progress: createProgress(output, () => time),
    wait: (milliseconds: number) => {
      time += milliseconds;
    },
    text: () => text,
  };
}

describe('createProgress', () => {
  it('writes plain lines where there is no terminal: one a tenth, and how long a phase took', () => {
    const { progress, text, wait } = record(false);
    progress.phase('Live', 20);
    for (let done = 1; done <= 20; done += 1) progress.step(done, `minute ${done}`);
    wait(1500);
    progress.end();
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe('Live: 20 steps');
    expect(lines[1]).toBe('  2/20 minute 2');
    expect(lines.at(-1)).toBe('✓ Live (1.5 s)');
  });

  it('says without a terminal how far a phase is whose total grows, and never more than all of it', () => {
    const { progress, text } = record(false);
    progress.phase('Training');
    progress.step(0, 'plan', 0);
    for (let done = 1; done <= 20; done += 1) progress.step(done, 'score', done <= 10 ? 10 : 20);
    const lines = text().trimEnd().split('\n');
    expect(lines[0]).toBe('Training');
    expect(lines).toContain('  10/10 score');
    expect(lines.at(-1)).toBe('  20/20 score');
    for (const line of lines.slice(1)) {
      const [done = 0, total = 0] = line.trim().split(' ')[0]?.split('/').map(Number) ?? [];
      expect(done).toBeLessThanOrEqual(total);
    }
  });

  it.each([true, false])('marks a phase that did not come to a good end (terminal: %s)', (isTTY) => {
    const { progress, text } = record(isTTY);
    progress.phase('Live');
    progress.end('✗');
    expect(text()).toContain('✗ Live (0.0 s)\n');
  });

  it('redraws one line on a terminal, no wider than it, and not for every step', () => {
    const { progress, text, wait } = record(true);
    progress.phase('Live', 10_000);
    for (let done = 1; done <= 10_000; done += 1) progress.step(done, 'x'.repeat(100));
    wait(100);
    progress.step(5_000);
    progress.note('kept');
    progress.phase('Next');
    progress.end();
    const drawn = text().split('\r\x1b[K');
    expect(drawn.length).toBeLessThan(10);
    expect(drawn.some((line) => line.includes('████████████░░░░░░░░░░░░ 5000/10000'))).toBe(true);
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThan(60);
    expect(drawn).toContain('kept\n');
    expect(drawn).toContain('✓ Live (0.1 s)\n');
  });
});
