import { availableParallelism } from 'node:os';

/** ESM-only packages that jest must transform like our own sources. */
const esmPackages = [
  'hyparquet',
  'hyparquet-writer',
  '@observablehq/plot',
  'd3(-[^/]+)?',
  'preact',
  'preact-render-to-string',
  'internmap',
  'delaunator',
  'robust-predicates',
  'isoformat',
  'interval-tree-1d',
  'linkedom',
  'dt-sql-parser',
  'antlr4-c3',
  'p-limit',
  'yocto-queue',
];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.{ts,tsx}'],
  transform: {
    '^.+\\.[cm]?[jt]sx?$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          transform: { react: { runtime: 'automatic', importSource: 'preact' } },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')})/)`],
  // The DOM in one file; its only export condition is `import`, which jest's CommonJS resolver does not take.
  moduleNameMapper: { '^linkedom/worker$': '<rootDir>/node_modules/linkedom/worker.js' },
  // A global costs a look-up outside of compiled code in the sandbox; these are given to each module by name, so that
  // arithmetic takes a third of the time.
  sandboxInjectedGlobals: [
    'Array',
    'Boolean',
    'Float32Array',
    'Float64Array',
    'Int32Array',
    'JSON',
    'Map',
    'Math',
    'Number',
    'Object',
    'Promise',
    'Set',
    'Uint32Array',
    'Uint8Array',
  ],
  globalSetup: '<rootDir>/test/run-directory.mjs',
  globalTeardown: '<rootDir>/test/remove-run-directory.mjs',
  setupFiles: ['<rootDir>/test/setup.ts'],
  testSequencer: '<rootDir>/test/longest-first.mjs',
  // `npm test` raises the budget after which V8 optimises a function: most code of a test, and of the functions that it
  // starts, runs too briefly to repay the compiler, which took a tenth of the time. What runs hot is still compiled.
  // More than cores: tests that live under faults wait for retries most of their time.
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  // Jest keeps what a file of tests has loaded; a worker that starts anew is cheaper than its garbage.
  workerIdleMemoryLimit: '512MB',
  // A guard against hanging and nothing else: a busy machine is no failure.
  testTimeout: 60 * 60_000,
};
