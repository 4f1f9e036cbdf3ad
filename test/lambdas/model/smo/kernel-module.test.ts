import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = '../../../../lambdas/model/smo/kernel-module';
const built = readFileSync(join(__dirname, '../../../../lambdas/model/smo/smo.wasm'));

/** What the module exports. */
const NAMES = [
  'addKernelRows',
  'countIdle',
  'gatherRows',
  'kernelSquare',
  'selectViolators',
  'shrink',
  'solveSubproblem',
  'swapColumns',
  'violation',
];

/** A part of a module: its number, its length in seven bits a byte, its content. */
const section = (id: number, content: readonly number[]) => [
  id,
  (content.length & 127) | 128,
  content.length >> 7,
  ...content,
];

/** A module whose exports take no parameters and do nothing. */
function moduleWith(names: readonly string[]): Buffer {
  const body = [2, 0, 0x0b];
  const exported = names.flatMap((name, i) => [name.length, ...Buffer.from(name), 0, i]);
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [names.length, ...names.map(() => 0)]),
    ...section(7, [names.length, ...exported]),
    ...section(10, [names.length, ...names.flatMap(() => body)]),
  ]);
}

/** Loads the kernel module anew, where `smo.wasm` holds these bytes. */
function supported(bytes: Buffer): boolean {
  jest.resetModules();
  jest.doMock('node:fs', () => ({ ...jest.requireActual('node:fs'), readFileSync: () => bytes }));
  try {
    const { smoSupported } =
      jest.requireActual<typeof import('../../../../lambdas/model/smo/kernel-module')>(SOURCE);
    return smoSupported();
  } finally {
    jest.dontMock('node:fs');
  }
}

describe('the kernel module', () => {
  it('serves as it was built', () => {
    expect(supported(built)).toBe(true);
  });

  it.each([
    ['lacks exports', []],
    ['has exports with other parameters', NAMES],
  ])('that %s is refused: what it computed would be wrong', (_, names) => {
    expect(() => supported(moduleWith(names))).toThrow(
      'smo.wasm does not fit this code: run npm run build:smo.',
    );
  });

  it('that no engine here can load leaves the work to libsvm-js', () => {
    expect(supported(Buffer.from('no module'))).toBe(false);
  });
});
