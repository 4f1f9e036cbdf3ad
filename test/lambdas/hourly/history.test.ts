import { createServer, type Server } from 'node:http';
import { ingestedHistory } from '../../../lambdas/hourly/history';
import { lambda } from '../../../lambdas/runtime/aws-clients';

let server: Server;
let calls = 0;
const environment = { ...process.env };

beforeAll(async () => {
  server = createServer((request, response) => {
    calls += 1;
    request.resume();
    if (calls === 1) response.destroy();
    else if (calls === 2) {
      response.writeHead(429, { 'x-amzn-errortype': 'TooManyRequestsException' }).end('{"message":"Rate"}');
    } else response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
});
afterAll(() => {
  process.env = environment;
  lambda().destroy();
  server.close();
});

const fetch = (date: string) =>
  ingestedHistory(lambda(), 'ingest').fetch(date, ['jfk'], '2013-02-21T00:25:00Z');

it('is asked for again when the call breaks off or is throttled (seeds m4 and m5)', async () => {
  const reply = await ingestedHistory(lambda(), 'ingest').fetch(
    '2013-02-19',
    ['jfk'],
    '2013-02-21T00:25:00Z',
  );
  expect(reply).toEqual({ status: 'fetched', reason: '' });
  expect(calls).toBe(3);
});

it('costs no other day anything when the function can not be reached', async () => {
  server.close();
  server.closeAllConnections();
  const reply = await fetch('2013-02-18');
  expect(reply).toMatchObject({ status: 'failed', reason: expect.stringContaining('ECONNREFUSED') });
});
