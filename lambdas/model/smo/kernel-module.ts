import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the module that `npm run build:smo` makes exports; documented in `assembly/`. Addresses are in bytes. */
type Kernel = Record<keyof typeof PARAMETERS, (...parameters: number[]) => number>;

/** How many parameters each export takes: a module that was built from other code takes others. */
const PARAMETERS = {
  addKernelRows: 17,
  addProducts: 3,
  countIdle: 7,
  gatherRows: 7,
  kernelSquare: 12,
  selectViolators: 11,
  shrink: 12,
  solveSubproblem: 9,
  swapColumns: 2,
  violation: 6,
} as const;

/** `smo.wasm` was built from other code than this. */
class ModuleOutdated extends Error {
  override readonly name = 'ModuleOutdated';
}

const PAGE_BYTES = 65_536;

/** Room below the first array, so that no array has address 0. */
const RESERVED_BYTES = 1_024;

/** Of every array: a cache line. */
const ALIGNMENT = 64;

interface Loaded {
  readonly kernel: Kernel;
  readonly memory: WebAssembly.Memory;
}

/** One instance for each thread; its memory grows to the largest fit so far and is used again by the next. */
let loaded: Loaded | undefined;

/** Found out once: each step of a logistic regression asks. */
let supported: boolean | undefined;

/** The arena that the memory belongs to. */
let latest: Arena | undefined;

/** The wasm file: beside the bundle, in the function's directory, or here in the source tree. */
function wasmPath(): string | undefined {
  return [__dirname, process.env.LAMBDA_TASK_ROOT ?? __dirname]
    .map((directory) => join(directory, 'smo.wasm'))
    .find((path) => existsSync(path));
}

/**
 * Whether the solver can run here: the file is there and this machine's WebAssembly has SIMD.
 * @throws ModuleOutdated when the file was built from other code: what it computed would be wrong.
 */
export function smoSupported(): boolean {
  supported ??= canLoad();
  return supported;
}

function canLoad(): boolean {
  try {
    load();
    return true;
  } catch (error) {
    if (error instanceof ModuleOutdated) throw error;
    // No file, or an engine without SIMD: libsvm-js serves.
    return false;
  }
}

function load(): Loaded {
  if (loaded === undefined) {
    const path = wasmPath();
    if (path === undefined) {
      throw new Error('smo.wasm is missing: run npm run build:smo.');
    }
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {
      env: { memory },
    });
    if (!isKernel(exports)) {
      throw new ModuleOutdated('smo.wasm does not fit this code: run npm run build:smo.');
    }
    loaded = { kernel: exports, memory };
  }
  return loaded;
}

function isKernel(exports: Readonly<Record<string, unknown>>): exports is Kernel {
  return Object.entries(PARAMETERS).every(([name, count]) => {
    const found = exports[name];
    return typeof found === 'function' && found.length === count;
  });
}

/**
 * Hands out arrays in the module's memory, one after the other; an array's address is its `byteOffset`. Contents are
 * what the last computation left. Valid until the next `openArena` of this thread.
 */
export class Arena {
  private next = RESERVED_BYTES;

  constructor(
    readonly kernel: Kernel,
    private readonly buffer: ArrayBuffer,
  ) {}

  doubles(length: number): Float64Array {
    return new Float64Array(this.buffer, this.take(length * 8), length);
  }

  floats(length: number): Float32Array {
    return new Float32Array(this.buffer, this.take(length * 4), length);
  }

  words(length: number): Uint32Array {
    return new Uint32Array(this.buffer, this.take(length * 4), length);
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(this.buffer, this.take(length), length);
  }

  private take(bytes: number): number {
    const address = this.next;
    this.next += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return address;
  }
}

/**
 * The kernel with room for arrays of `bytes` altogether, `arrays` of them.
 * @throws RangeError when the memory cannot grow so far.
 */
export function openArena(bytes: number, arrays: number): Arena {
  const { kernel, memory } = load();
  const missing = RESERVED_BYTES + bytes + arrays * ALIGNMENT - memory.buffer.byteLength;
  if (missing > 0) {
    memory.grow(Math.ceil(missing / PAGE_BYTES));
  }
  latest = new Arena(kernel, memory.buffer);
  return latest;
}

/** Whether the arrays of an arena still hold what was written to them. */
export function isOpen(arena: Arena): boolean {
  return arena === latest;
}
