import { randomUUID } from 'node:crypto';
import type { TopicResource } from '../assembly/resources';
import type { Service, ServiceReply, ServiceRequest } from '../wire/service-server';
import { element } from '../wire/xml';

const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/';
const MAXIMUM_MESSAGE_BYTES = 262_144;

export interface Notification {
  readonly topicArn: string;
  readonly messageId: string;
  readonly subject?: string;
  readonly message: string;
}

/** SNS's Publish, in the query protocol: form fields in, XML out. Messages are handed on, not delivered. */
export function snsService(options: {
  readonly topics: readonly TopicResource[];
  readonly onNotification?: ((notification: Notification) => void) | undefined;
}): Service {
  function publish(form: URLSearchParams): ServiceReply {
    const topicArn = form.get('TopicArn') ?? form.get('TargetArn') ?? '';
    const message = form.get('Message') ?? '';
    const subject = form.get('Subject');
    if (!options.topics.some((topic) => topic.arn === topicArn)) {
      return errorReply(404, 'NotFound', 'Topic does not exist');
    }
    if (message === '') {
      return errorReply(400, 'InvalidParameter', 'Invalid parameter: Empty message');
    }
    if (Buffer.byteLength(message) > MAXIMUM_MESSAGE_BYTES) {
      return errorReply(400, 'InvalidParameter', 'Invalid parameter: Message too long');
    }
    const messageId = randomUUID();
    options.onNotification?.({ topicArn, messageId, message, ...(subject === null ? {} : { subject }) });
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<PublishResponse xmlns="${NAMESPACE}"><PublishResult>${element('MessageId', messageId)}</PublishResult><ResponseMetadata>${element('RequestId', randomUUID())}</ResponseMetadata></PublishResponse>`,
    };
  }

  return {
    name: 'sns',
    describe: (request) => ({
      operation: formOf(request).get('Action') ?? 'Unknown',
      subject: formOf(request).get('TopicArn') ?? '',
    }),
    handle(request) {
      const form = formOf(request);
      return form.get('Action') === 'Publish'
        ? publish(form)
        : errorReply(400, 'InvalidAction', 'This operation is not emulated.');
    },
    refuse: (kind, message) =>
      kind === 'throttle' ? errorReply(400, 'Throttled', message) : errorReply(500, 'InternalError', message),
  };
}

function formOf(request: ServiceRequest): URLSearchParams {
  return new URLSearchParams(request.body.toString('utf8'));
}

function errorReply(status: number, code: string, message: string): ServiceReply {
  const type = status < 500 ? 'Sender' : 'Receiver';
  return {
    status,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse xmlns="${NAMESPACE}"><Error>${element('Type', type)}${element('Code', code)}${element('Message', message)}</Error>${element('RequestId', randomUUID())}</ErrorResponse>`,
  };
}
