import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { GaroaConfig } from '../config';
import { projectRoot } from '../project-root';
import { Refusal } from '../terminal/refusal';

/** The application could not be synthesised; the message is what it said. */
class SynthFailed extends Refusal {
  override readonly name = 'SynthFailed';
}

/**
 * Synthesises the application as the CDK command line does: `bin/garoa.ts` in a process of its own, with the
 * configuration as context. What the bundler says is shown only when it fails. The CDK's own check of templates, which
 * takes longer than all the rest, is left to `cdk synth` and to the tests of templates.
 * @param context more of what the CDK is told, such as `{'aws:cdk:bundling-stacks': []}`.
 * @throws SynthFailed
 */
export async function synthesise(
  config: GaroaConfig,
  outdir: string,
  context: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(projectRoot, 'bin', 'garoa.ts')], {
    cwd: projectRoot,
    env: {
      ...process.env,
      CDK_OUTDIR: outdir,
      CDK_VALIDATION: 'false',
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, garoa: JSON.stringify(config) }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the bundler that it starts can be ended with it.
    detached: true,
  });
  const end = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid);
  };
  process.once('exit', end);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new SynthFailed(`The application could not be synthesised:\n${said.trim()}`);
  } finally {
    process.removeListener('exit', end);
  }
}
