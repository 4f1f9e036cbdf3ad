import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { type GaroaEvent, gapsFoundSchema, putEvents } from '../../../lambdas/hourly/events';

const mock = mockClient(EventBridgeClient);
const waits: number[] = [];
const bus = {
  client: new EventBridgeClient({}),
  name: 'default',
  sleep: async (milliseconds: number) => {
    waits.push(milliseconds);
  },
};
const event = (missingHours: number): GaroaEvent => ({
  type: 'GapsFound',
  detail: {
    version: 1,
    stage: 'test',
    from: '2026-11-01',
    to: '2026-11-02',
    missingHours,
    locationIds: ['a'],
  },
});
const events = (count: number) => Array.from({ length: count }, (_, index) => event(index + 1));
const time = '2026-11-23T11:05:00Z';

/** What each call sent, as the numbers the events carry. */
const sent = () =>
  mock
    .commandCalls(PutEventsCommand)
    .map(({ args }) =>
      (args[0].input.Entries ?? []).map(
        ({ Detail = '' }) => gapsFoundSchema.parse(JSON.parse(Detail)).missingHours,
      ),
    );

beforeEach(() => {
  mock.reset();
  waits.length = 0;
});

it('puts ten events in a call, at their own time', async () => {
  mock.on(PutEventsCommand).callsFake(({ Entries }) => ({ Entries: Entries.map(() => ({ EventId: 'x' })) }));
  await putEvents(bus, time, events(23));
  expect(sent().map(({ length }) => length)).toEqual([10, 10, 3]);
  expect(mock.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries?.[0]).toMatchObject({
    Source: 'garoa',
    DetailType: 'GapsFound',
    EventBusName: 'default',
    Time: new Date(time),
  });
});

it('sends again only the entries that were refused', async () => {
  mock
    .on(PutEventsCommand)
    .resolvesOnce({
      FailedEntryCount: 2,
      Entries: [{ EventId: 'x' }, { ErrorCode: 'ThrottlingException' }, { ErrorCode: 'InternalFailure' }],
    })
    .resolves({ Entries: [{ EventId: 'x' }, { EventId: 'x' }] });
  await putEvents(bus, time, events(3));
  expect(sent()).toEqual([
    [1, 2, 3],
    [2, 3],
  ]);
});

it('says how many were refused to the end, after trying the other batches', async () => {
  mock.on(PutEventsCommand).callsFake(({ Entries }) => ({
    Entries: Entries.map((_: unknown, index: number) =>
      index === 0 ? { ErrorCode: 'InternalFailure', ErrorMessage: 'out of order' } : { EventId: 'x' },
    ),
  }));
  await expect(putEvents(bus, time, events(12))).rejects.toThrow(
    'EventBridge did not take 2 of 12 events: InternalFailure: out of order',
  );
  expect(waits).toEqual([100, 200, 400, 800, 100, 200, 400, 800]);
});

it('calls nothing for no event', async () => {
  await putEvents(bus, time, []);
  expect(sent()).toEqual([]);
});
