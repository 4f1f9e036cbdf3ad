import { operate } from '../lib/operate/main';
import { endWhenFatal } from '../lib/terminal/fatal';
import { openInBrowser } from '../lib/terminal/open-in-browser';

/** `npm run garoa -- <command>`: the deployed system, or a local run of it, from the command line. */
// The SDK warns about Node versions below its next one, in the middle of an answer.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

endWhenFatal(process.stderr);
operate(process.argv.slice(2), {
  input: process.stdin,
  output: process.stdout,
  messages: process.stderr,
  openInBrowser,
  directory: process.cwd(),
}).then((code) => {
  process.exitCode = code;
});
