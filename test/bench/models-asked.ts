import { S3Client } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import * as z from 'zod';
import { createChampionCache } from '../../lambdas/hourly/champions';
import { FORECASTS_AT_ONCE } from '../../lambdas/hourly/forecast';
import { predict } from '../../lambdas/model/model-file';
import { between, now } from './stations';

/** Asks all champions of a bucket for one hour, in a process of its own, so that its peak of memory is its own. Started by `models.ts`. */

const task = z.object({ url: z.string(), champions: z.int() });
export type Asked = z.infer<typeof task>;

export const asked = z.object({
  answers: z.int(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  peakMegabytes: z.number(),
});

if (require.main === module) {
  ask(task.parse(JSON.parse(process.argv[2] ?? ''))).then(
    (result) => console.log(JSON.stringify(result)),
    (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
}

async function ask({ url, champions }: Asked): Promise<z.infer<typeof asked>> {
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const bucket = { client, name: 'raw' };
  const cache = createChampionCache();
  const limit = pLimit(FORECASTS_AT_ONCE);
  const started = now();
  const answers = await Promise.all(
    Array.from({ length: champions }, (_, i) =>
      limit(async () => {
        const { model } = await cache.appointed(bucket, `place-${i}`, '2013-06-01T00:00:00Z');
        if (model === undefined) return Number.NaN;
        const columns = model.featureNames.length;
        const [probability = Number.NaN] = predict(
          model,
          {
            rows: 1,
            columns,
            values: new Float64Array(columns),
          },
          null,
        ).plain;
        return probability;
      }),
    ),
  );
  const { seconds, cpuSeconds } = between(started, now());
  return {
    answers: answers.filter(Number.isFinite).length,
    seconds,
    cpuSeconds,
    peakMegabytes: process.resourceUsage().maxRSS / 1_024,
  };
}
