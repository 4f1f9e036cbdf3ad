import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = '../../../../lambdas/model/smo/kernel-module';
const built = readFileSync(join(__dirname, '../../../../lambdas/model/smo/smo.wasm'));

const names = WebAssembly.Module.exports(new WebAssembly.Module(built)).map(({ name }) => name);

/** A part of a module: its number, its length in seven bits a byte, its content. */
const section = (id: number, content: readonly number[]) => [
  id,
  (content.length & 127) | 128,
  content.length >> 7,
  ...content,
];

/** A module whose exports take no parameters and do nothing. */
function moduleWith(exported: readonly string[]): Buffer {
  const count = exported.length;
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [count, ...exported.map(() => 0)]),
    ...section(7, [count, ...exported.flatMap((name, i) => [name.length, ...Buffer.from(name), 0, i])]),
    ...section(10, [count, ...exported.flatMap(() => [2, 0, 0x0b])]),
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
    ['has exports with other parameters', names],
  ])('that %s is refused: what it computed would be wrong', (_, exported) => {
    expect(() => supported(moduleWith(exported))).toThrow(
      'smo.wasm does not fit this code: run npm run build:smo.',
    );
  });

  it('that no engine here can load leaves the work to libsvm-js', () => {
    expect(supported(Buffer.from('no module'))).toBe(false);
  });
});
