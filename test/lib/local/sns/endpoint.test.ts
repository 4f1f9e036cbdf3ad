import type { Notification } from '../../../../lib/local/sns/endpoint';
import { startTestCloud, type TestCloud, TOPIC } from '../support';

const notifications: Notification[] = [];
let cloud: TestCloud;

beforeAll(async () => {
  cloud = await startTestCloud({ onNotification: (notification) => notifications.push(notification) });
});
afterAll(() => cloud.close());

/** The query protocol, as the SDK's SNS client speaks it. */
async function publish(form: Record<string, string>): Promise<{ status: number; xml: string }> {
  const reply = await fetch(cloud.endpoints.environment.AWS_ENDPOINT_URL_SNS ?? '', {
    method: 'POST',
    body: new URLSearchParams({ Action: 'Publish', Version: '2010-03-31', ...form }),
  });
  return { status: reply.status, xml: await reply.text() };
}

it('hands a message on and names it', async () => {
  const { status, xml } = await publish({
    TopicArn: TOPIC,
    Subject: 'Alarm',
    Message: 'ingest & co. failed, ü',
  });
  expect(status).toBe(200);
  expect(notifications).toEqual([
    { topicArn: TOPIC, messageId: expect.any(String), subject: 'Alarm', message: 'ingest & co. failed, ü' },
  ]);
  expect(xml).toContain(`<MessageId>${notifications[0]?.messageId}</MessageId>`);
});

it('refuses an unknown topic and an empty message', async () => {
  const unknown = await publish({ TopicArn: `${TOPIC}-other`, Message: 'x' });
  expect(unknown).toMatchObject({ status: 404, xml: expect.stringContaining('<Code>NotFound</Code>') });
  const empty = await publish({ TopicArn: TOPIC, Message: '' });
  expect(empty).toMatchObject({ status: 400, xml: expect.stringContaining('Empty message') });
});
