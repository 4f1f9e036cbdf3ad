import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { EventBusDelivery } from '../../../../lib/local/event-bridge/endpoint';
import { itLocally, itUnlikeMiniStack, REMOTE } from '../remote';
import { EVENTS_QUEUE } from '../remote-parts';
import { RemoteQueue } from '../remote-queue';
import { ACCOUNT, startTestCloud, type TestCloud } from '../support';

const deliveries: EventBusDelivery[] = [];
let cloud: TestCloud;
let events: EventBridgeClient;
let queue: RemoteQueue | undefined;

beforeAll(async () => {
  cloud = await startTestCloud({ onEvent: (delivery) => deliveries.push(delivery) });
  events = REMOTE === undefined ? cloud.events : new EventBridgeClient({ maxAttempts: 1 });
  if (REMOTE !== undefined) queue = await RemoteQueue.open(EVENTS_QUEUE);
});
beforeEach(() => {
  deliveries.length = 0;
});
afterAll(async () => {
  queue?.close();
  await cloud.close();
});

const put = (...Entries: PutEventsRequestEntry[]) => events.send(new PutEventsCommand({ Entries }));

/** So many events as the target of a rule receives them. */
async function delivered(count: number): Promise<readonly unknown[]> {
  if (queue !== undefined) return queue.receive(count);
  return deliveries.filter(({ rules }) => rules.length > 0).map(({ event }) => event);
}

const skill = (days: number): PutEventsRequestEntry => ({
  Source: 'garoa',
  DetailType: 'SkillBelowPersistence',
  Detail: JSON.stringify({ days }),
});

it('hands an event that matches a rule to its target, and no other', async () => {
  const reply = await put(skill(6), skill(7));
  expect(reply.FailedEntryCount).toBe(0);
  expect(await delivered(1)).toEqual([
    {
      version: '0',
      id: reply.Entries?.[1]?.EventId,
      'detail-type': 'SkillBelowPersistence',
      source: 'garoa',
      account: REMOTE === undefined ? ACCOUNT : expect.stringMatching(/^\d{12}$/),
      time: REMOTE === undefined ? '2013-03-10T12:05:00Z' : expect.stringMatching(/^\d{4}-.*:\d\dZ$/),
      region: REMOTE === undefined ? 'us-east-1' : process.env.AWS_REGION,
      resources: [],
      detail: { days: 7 },
    },
  ]);
});

itLocally('names the rules that an event matches', async () => {
  await put(skill(7), skill(6));
  expect(deliveries.map(({ busName, rules }) => [busName, rules.map(({ name }) => name)])).toEqual([
    ['default', ['skill']],
    ['default', []],
  ]);
});

it('lets an entry of a source that is AWS fail alone, and says why', async () => {
  const reply = await put({ ...skill(8), Source: 'aws.s3' }, skill(9));
  expect(reply.FailedEntryCount).toBe(1);
  expect(reply.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'NotAuthorizedForSourceException',
    undefined,
  ]);
  expect(await delivered(1)).toMatchObject([{ detail: { days: 9 } }]);
});

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html, and for what an entry must
// have https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
itUnlikeMiniStack('lets an entry fail alone that is no event, and says why', async () => {
  const reply = await put(
    { Source: 'garoa', DetailType: 'A', Detail: 'not json' },
    { Source: 'garoa', DetailType: 'B', Detail: '[]' },
    { Source: 'garoa', Detail: '{}' },
    { Source: 'garoa', DetailType: 'E', Detail: '{}' },
  );
  expect(reply.FailedEntryCount).toBe(3);
  expect(reply.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'MalformedDetail',
    'MalformedDetail',
    'InvalidArgument',
    undefined,
  ]);
});

it('refuses more than ten entries', async () => {
  await expect(put(...Array.from({ length: 11 }, () => skill(10)))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

// Of all entries together: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html, and since 2026
// https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb
itUnlikeMiniStack('refuses more than a megabyte in one request', async () => {
  const large = { ...skill(11), Detail: JSON.stringify({ text: 'x'.repeat(400_000) }) };
  await expect(put(large, large, large)).rejects.toThrow('over the limit');
});
