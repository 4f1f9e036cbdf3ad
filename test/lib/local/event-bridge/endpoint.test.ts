import { PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { EventBusDelivery } from '../../../../lib/local/event-bridge/endpoint';
import { ACCOUNT, startTestCloud, type TestCloud } from '../support';

const deliveries: EventBusDelivery[] = [];
let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud({ onEvent: (delivery) => deliveries.push(delivery) });
});
beforeEach(() => {
  deliveries.length = 0;
});
afterAll(() => cloud.close());

const put = (...Entries: PutEventsRequestEntry[]) => cloud.events.send(new PutEventsCommand({ Entries }));

it('hands an event on as rules and targets see it, stamped with the virtual clock', async () => {
  const reply = await put({ Source: 'garoa', DetailType: 'RainForecast', Detail: '{"probability":0.4}' });
  expect(reply.FailedEntryCount).toBe(0);
  expect(deliveries).toEqual([
    {
      busName: 'default',
      rules: [],
      event: {
        version: '0',
        id: reply.Entries?.[0]?.EventId,
        'detail-type': 'RainForecast',
        source: 'garoa',
        account: ACCOUNT,
        time: '2013-03-10T12:05:00Z',
        region: 'us-east-1',
        resources: [],
        detail: { probability: 0.4 },
      },
    },
  ]);
});

it('names the rules that an event matches', async () => {
  const event = (days: number) => ({
    Source: 'garoa',
    DetailType: 'SkillBelowPersistence',
    Detail: JSON.stringify({ days }),
  });
  await put(event(7), event(6));
  expect(deliveries.map(({ rules }) => rules.map(({ name }) => name))).toEqual([['skill'], []]);
});

it('lets a bad entry fail alone, and says why', async () => {
  const reply = await put(
    { Source: 'garoa', DetailType: 'A', Detail: 'not json' },
    { Source: 'garoa', DetailType: 'B', Detail: '[]' },
    { Source: 'aws.s3', DetailType: 'C', Detail: '{}' },
    { Source: 'garoa', Detail: '{}' },
    { Source: 'garoa', DetailType: 'E', Detail: '{}' },
  );
  expect(reply.FailedEntryCount).toBe(4);
  expect(reply.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'MalformedDetail',
    'MalformedDetail',
    'NotAuthorizedForSourceException',
    'InvalidArgument',
    undefined,
  ]);
  expect(deliveries.map(({ event }) => event['detail-type'])).toEqual(['E']);
});

it('refuses more than ten entries, and more than 256 KiB', async () => {
  const entry = { Source: 'garoa', DetailType: 'A', Detail: '{}' };
  await expect(put(...Array.from({ length: 11 }, () => entry))).rejects.toThrow();
  const large = { ...entry, Detail: JSON.stringify({ text: 'x'.repeat(400_000) }) };
  await expect(put(large, large, large)).rejects.toThrow('over the limit');
  expect(deliveries).toEqual([]);
});
