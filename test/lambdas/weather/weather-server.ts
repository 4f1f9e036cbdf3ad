import { createServer, type ServerResponse } from 'node:http';

/** How the server answers one request; `hang` keeps the client waiting, `reset` breaks the connection. */
export type Answer =
  | { readonly status?: number; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status?: number; readonly text: string; readonly headers?: Readonly<Record<string, string>> }
  | 'hang'
  | 'reset';

export interface WeatherServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly URL[];
  /** Connections that clients have opened. */
  connections(): number;
  close(): Promise<void>;
}

/** A provider of one's own making on a real port, since what goes wrong with HTTP goes wrong on the wire. */
export async function startWeatherServer(
  answer: (url: URL, count: number) => Answer | Promise<Answer>,
): Promise<WeatherServer> {
  const requests: URL[] = [];
  let opened = 0;
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', 'http://weather.test');
    requests.push(url);
    Promise.resolve(answer(url, requests.length)).then((made) => give(made, outgoing));
  });
  server.on('connection', () => {
    opened++;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    connections: () => opened,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function give(answer: Answer, outgoing: ServerResponse): void {
  if (answer === 'hang') return;
  if (answer === 'reset') {
    outgoing.destroy();
    return;
  }
  const [type, body] =
    'json' in answer ? ['application/json', JSON.stringify(answer.json)] : ['text/html', answer.text];
  outgoing.writeHead(answer.status ?? 200, { 'content-type': type, ...answer.headers }).end(body);
}
