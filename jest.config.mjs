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
  setupFiles: ['<rootDir>/test/setup.ts'],
  testSequencer: '<rootDir>/test/longest-first.mjs',
  // Jest would leave one core to an editor; of two, that is half.
  maxWorkers: '100%',
  // A guard against hanging and nothing else: a busy machine is no failure.
  testTimeout: 20 * 60_000,
};
