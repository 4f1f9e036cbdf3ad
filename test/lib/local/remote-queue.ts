import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';

const SECONDS = 20;

/** A queue of the account, which shows what a rule or a function has handed on. */
export class RemoteQueue {
  private constructor(
    private readonly client: SQSClient,
    private readonly url: string,
  ) {}

  /** @throws QueueDoesNotExist when the stack of `remote-parts.ts` is not deployed. */
  static async open(QueueName: string): Promise<RemoteQueue> {
    const client = new SQSClient({});
    const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName }));
    return new RemoteQueue(client, QueueUrl);
  }

  /** Waits for so many messages, for twenty seconds at most, and takes them off the queue. */
  async receive(count: number): Promise<readonly unknown[]> {
    const bodies: unknown[] = [];
    const limit = performance.now() + SECONDS * 1000;
    while (bodies.length < count && performance.now() < limit) {
      const { Messages = [] } = await this.client.send(
        new ReceiveMessageCommand({ QueueUrl: this.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
      );
      for (const { Body = '', ReceiptHandle } of Messages) {
        bodies.push(JSON.parse(Body));
        await this.client.send(new DeleteMessageCommand({ QueueUrl: this.url, ReceiptHandle }));
      }
    }
    return bodies;
  }

  close(): void {
    this.client.destroy();
  }
}
