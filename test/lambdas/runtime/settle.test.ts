import pLimit from 'p-limit';
import { settleAll } from '../../../lambdas/runtime/settle';

const later = <T>(value: T) => new Promise<T>((resolve) => setImmediate(() => resolve(value)));

it('gives all results in order', async () => {
  await expect(settleAll([later(1), Promise.resolve(2)])).resolves.toEqual([1, 2]);
});

it('waits for the others before it tells of a failure', async () => {
  let done = false;
  const slow = later(1).then(() => {
    done = true;
  });
  await expect(settleAll([Promise.reject(new Error('no')), slow])).rejects.toThrow(/^no$/);
  expect(done).toBe(true);
});

it('tells every reason, and one that many share once', async () => {
  const shared = new Error('down');
  await expect(settleAll([Promise.reject(shared), Promise.reject(shared)])).rejects.toBe(shared);
  const both = settleAll([Promise.reject(shared), Promise.reject(new Error('odd'))]);
  await expect(both).rejects.toThrow(AggregateError);
  await expect(both).rejects.toThrow('Error: down\nError: odd');
});

it('lets queued work come to its end as well, never more of it at once than the limit allows', async () => {
  const limit = pLimit(2);
  let running = 0;
  let most = 0;
  const ended: number[] = [];
  const task = (id: number) => async () => {
    running += 1;
    most = Math.max(most, running);
    await later(id);
    running -= 1;
    ended.push(id);
    if (id === 0) throw new Error('no');
  };
  await expect(settleAll([0, 1, 2, 3, 4].map((id) => limit(task(id))))).rejects.toThrow(/^no$/);
  expect({ most, running, ended }).toEqual({ most: 2, running: 0, ended: [0, 1, 2, 3, 4] });
});
