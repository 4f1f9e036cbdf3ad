import { DuckDBInstance } from '@duckdb/node-api';
import { interruptible } from '../../../../lib/local/athena/query';

/** Ten seconds of work, or more. */
const LONG = 'SELECT sum(sin(a.range + b.range)) FROM range(30000) a, range(30000) b';

describe('a stopped query', () => {
  it.each([
    ['before its statement has begun', (abort: () => void) => abort()],
    ['while its statement runs', (abort: () => void) => void setTimeout(abort, 50)],
  ])('ends when it is stopped %s', async (_, stop) => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const controller = new AbortController();
    const stopped = interruptible(connection, controller.signal, async () => {
      stop(() => controller.abort());
      await connection.run(LONG);
    });
    await expect(stopped).rejects.toThrow(/INTERRUPT/);
    // Nothing interrupts what comes after it.
    expect(await (await connection.runAndReadAll('SELECT 1')).getRows()).toEqual([[1]]);
    connection.closeSync();
    instance.closeSync();
  });
});
