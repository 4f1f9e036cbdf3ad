import type { TrainingSet } from '../../../lambdas/model/training-set';
import { parsedOnce } from '../../../lambdas/retrain/training-set-cache';

const MEBIBYTE = 2 ** 20;

/** A set that claims memory without using it: untouched pages of an array cost nothing. */
const setOf = (locationId: string, mebibytes: number): TrainingSet => {
  const values = new Float64Array((mebibytes * MEBIBYTE) / 8);
  return {
    locationId,
    hours: new Float64Array(0),
    neighbours: [],
    featureNames: [],
    x: { rows: 0, columns: 0, values },
    y: new Uint8Array(0),
    wetNow: new Float64Array(0),
    polled: new Uint8Array(0),
    forecasts: null,
  };
};

describe('a parsed training set', () => {
  const parses: string[] = [];
  const read = (location: string, etag: string, mebibytes = 1) =>
    parsedOnce(location, etag, async () => {
      parses.push(`${location} ${etag}`);
      return setOf(location, mebibytes);
    });
  beforeEach(() => parses.splice(0));

  it('is parsed once for one content, and again when the content is another', async () => {
    const first = await read('ewr', 'a');
    expect(await read('ewr', 'a')).toBe(first);
    await read('ewr', 'b');
    expect(parses).toEqual(['ewr a', 'ewr b']);
  });

  it('is never taken for one of another location with the same content', async () => {
    await read('jfk', 'c');
    expect((await read('lga', 'c')).locationId).toBe('lga');
  });

  it('is let go when newer ones need the memory, the least recently used first', async () => {
    for (const [location, etag] of [
      ['ewr', 'd'],
      ['jfk', 'd'],
      ['ewr', 'd'],
      ['lga', 'd'],
    ] as const) {
      await read(location, etag, 140);
    }
    expect(parses).toEqual(['ewr d', 'jfk d', 'lga d']);
    await read('ewr', 'd', 140);
    expect(parses).toHaveLength(3);
    await read('jfk', 'd', 140);
    expect(parses).toHaveLength(4);
  });

  it('is not kept when it could not be parsed', async () => {
    const failing = () => parsedOnce('ewr', 'e', () => Promise.reject(new Error('damaged')));
    await expect(failing()).rejects.toThrow('damaged');
    expect((await read('ewr', 'e')).locationId).toBe('ewr');
  });
});
