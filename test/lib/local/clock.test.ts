import { VirtualClock } from '../../../lib/local/clock';

const START = new Date('2013-12-01T00:00:00Z');
const later = (seconds: number): Date => new Date(START.getTime() + seconds * 1000);

describe('VirtualClock', () => {
  it('stands still while work is going on, and jumps when it has ended', async () => {
    const clock = new VirtualClock(START);
    const seen: string[] = [];
    clock.at(later(60).getTime(), () => seen.push(`timer at ${clock.now().toISOString()}`));
    void clock.track(new Promise<void>((resolve) => setTimeout(resolve, 10))).then(() => seen.push('work'));
    await clock.run();
    expect(seen).toEqual(['work', `timer at ${later(60).toISOString()}`]);
  });

  it('lets what a timer started end before the next one fires', async () => {
    const clock = new VirtualClock(START);
    const seen: string[] = [];
    for (const name of ['a', 'b']) {
      clock.at(later(1).getTime(), () => {
        seen.push(`${name} begins`);
        void clock
          .track(new Promise<void>((resolve) => setTimeout(resolve, 5)))
          .then(() => seen.push(`${name} ends`));
      });
    }
    await clock.run();
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('fires what lies before the end, and arrives there', async () => {
    const clock = new VirtualClock(START);
    const fired: number[] = [];
    for (const second of [30, 10, 60]) clock.at(later(second).getTime(), () => fired.push(second));
    await clock.run(later(60));
    expect(fired).toEqual([10, 30]);
    expect(clock.now()).toEqual(later(60));
    await clock.run(later(61));
    expect(fired).toEqual([10, 30, 60]);
  });

  it('forgets a cancelled timer', async () => {
    const clock = new VirtualClock(START);
    const cancel = clock.at(later(10).getTime(), () => {
      throw new Error('fired');
    });
    cancel();
    await clock.run(later(20));
    expect(clock.now()).toEqual(later(20));
  });
});
