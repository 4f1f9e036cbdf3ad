import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** What the emulator lacks and the check makes good, here and in `gaps.py`. None of it is judged. */
export const GAPS = [
  'the saved questions to the logs (AWS::Logs::QueryDefinition) are left out',
  'alarms on metric math are deployed with their first metric alone',
  "Ref of a secret is its name there; it is deployed as the secret's Id, which is what Ref is on AWS",
  'a Distributed Map in JSONata runs as an inline one: no child executions, no concurrency or failures tolerated',
  "a schedule's <aws.scheduler.scheduled-time> is filled in",
  'events:source, the condition key of PutEvents, is always "garoa"',
];

const template = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).optional() }),
  ),
});

const metric = z.object({
  MetricStat: z.object({ Metric: z.record(z.string(), z.unknown()), Period: z.int(), Stat: z.string() }),
});

/**
 * Copies an assembly as the emulator can deploy it.
 * @param replaced texts of the templates that become others: addresses of the world outside AWS
 */
export function forEmulator(from: string, to: string, replaced: ReadonlyMap<string, string>): string {
  return copyWith(from, to, (text) => {
    let changed = text;
    for (const [before, after] of replaced) changed = changed.replaceAll(before, after);
    const parsed = template.parse(JSON.parse(changed));
    const secrets = Object.entries(parsed.Resources).filter(
      ([, { Type }]) => Type === 'AWS::SecretsManager::Secret',
    );
    for (const [id, { Type, Properties }] of Object.entries(parsed.Resources)) {
      if (Type === 'AWS::Logs::QueryDefinition') delete parsed.Resources[id];
      const { Metrics, ...others } = Properties ?? {};
      if (Type !== 'AWS::CloudWatch::Alarm' || Metrics === undefined || Properties === undefined) continue;
      const first = z
        .array(z.unknown())
        .parse(Metrics)
        .find((one) => metric.safeParse(one).success);
      const { Metric, Period, Stat } = metric.parse(first).MetricStat;
      delete Properties.Metrics;
      Object.assign(Properties, others, Metric, { Period, Statistic: Stat });
    }
    let repaired = JSON.stringify(parsed);
    for (const [id] of secrets) {
      repaired = repaired.replaceAll(
        JSON.stringify({ Ref: id }),
        JSON.stringify({ 'Fn::GetAtt': [id, 'Id'] }),
      );
    }
    return repaired;
  });
}

/** Copies an assembly whose buckets have the names that a deployment gave them. */
export function withBucketNames(from: string, to: string, names: readonly string[]): string {
  return copyWith(from, to, (text) => {
    const parsed = template.parse(JSON.parse(text));
    for (const [id, { Type, Properties }] of Object.entries(parsed.Resources)) {
      const BucketName = names.find((name) => name.includes(`-${id.toLowerCase()}-`));
      if (Type === 'AWS::S3::Bucket' && BucketName !== undefined)
        Object.assign(Properties ?? {}, { BucketName });
    }
    return JSON.stringify(parsed);
  });
}

function copyWith(from: string, to: string, edit: (template: string) => string): string {
  cpSync(from, to, { recursive: true });
  for (const file of readdirSync(to).filter((name) => name.endsWith('.template.json'))) {
    writeFileSync(join(to, file), edit(readFileSync(join(to, file), 'utf8')));
  }
  return to;
}
