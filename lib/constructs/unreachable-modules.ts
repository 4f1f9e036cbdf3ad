/**
 * Where the SDK looks for credentials when the environment has none: profiles, single sign-on, processes, tokens. It
 * loads them only then, and a function's environment always has some; left out of the bundles, they save each a sixth.
 */
export const UNREACHABLE_MODULES = ['ini', 'login', 'process', 'sso', 'web-identity'].map(
  (source) => `@aws-sdk/credential-provider-${source}`,
);
