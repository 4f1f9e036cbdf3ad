/**
 * The package exports a promise, and bundled, a module's namespace has the prototype of what it exports: awaiting
 * `import('libsvm-js')` itself would call a `then` that is none. Loaded only where it is needed, since it begins to
 * compile its WebAssembly at once.
 */
export { default as loading } from 'libsvm-js';
