import { App } from 'aws-cdk-lib';
import { garoaApp, projectContext } from '../lib/app';
import { ConfigError, parseConfig } from '../lib/config';

/** Called by the CDK command line (`app` in cdk.json): configuration in, stacks out. */
try {
  garoaApp({ config: parseConfig(configurationBlock()) }).synth();
} catch (error) {
  if (!(error instanceof ConfigError)) {
    throw error;
  }
  console.error(`cdk.json: ${error.message}`);
  process.exitCode = 1;
}

/** `-c garoa='{…}'` on the command line wins over the block in cdk.json. */
function configurationBlock(): unknown {
  const given: unknown = new App({ autoSynth: false, context: projectContext() }).node.tryGetContext('garoa');
  if (typeof given !== 'string') {
    return given;
  }
  try {
    return JSON.parse(given);
  } catch {
    throw new ConfigError('garoa: the block given on the command line is no JSON');
  }
}
