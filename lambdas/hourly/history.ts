import { InvokeCommand, type InvokeCommandOutput, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { messageOf } from '../runtime/errors';
import type { HistoryReply, HistorySource } from './settling';

const failureSchema = z.object({ errorType: z.string().optional(), errorMessage: z.string() });

/** How the ingest function names what asking again can't change. */
const LASTING: Readonly<Record<string, HistoryReply['status']>> = {
  HistoryNotInPlan: 'not-in-plan',
  DayNotAvailable: 'not-available',
};

/** The provider's history as the ingest function fetches and stores it: it alone holds the key. */
export function ingestedHistory(client: LambdaClient, functionName: string): HistorySource {
  return {
    async fetch(date, locationIds, at) {
      const event = { backfill: { date, locations: locationIds }, at };
      let reply: InvokeCommandOutput;
      try {
        reply = await client.send(
          new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event)) }),
        );
      } catch (error) {
        // Other days may fare better.
        return { status: 'failed', reason: messageOf(error) };
      }
      const payload: unknown = JSON.parse(Buffer.from(reply.Payload ?? []).toString('utf8') || 'null');
      if (reply.FunctionError === undefined) {
        return { status: 'fetched', reason: '' };
      }
      const { errorType = '', errorMessage: reason } = failureSchema.parse(payload);
      return { status: LASTING[errorType] ?? 'failed', reason };
    },
  };
}
