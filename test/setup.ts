import fc from 'fast-check';

// The SDK warns about Node 20 on every client; the functions run on Node 24 and the warning would bury a test's own words.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

// As in the bundles: Emscripten's loader would try to stream a file, warn that it can't, and read it.
Reflect.deleteProperty(WebAssembly, 'instantiateStreaming');

// The same cases on every run: a suite that fails does so for the change at hand. Other seeds explore.
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 2013) });
