/** An HTTP server that notifications are sent to: keeps what it gets and answers as it is told. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd, type Cleanup } from './cleanup.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpEndpoint {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly received: Received[];
  /** Notifications only, without requests to confirm. */
  notifications(): Received[];
  /** How the next requests are answered: a status, or by hand. */
  answer: number | ((response: ServerResponse, received: Received) => void);
  close(): Promise<void>;
}

export async function startEndpoint(t: Cleanup): Promise<HttpEndpoint> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const seen: Received = {
      method: request.method as string,
      path: request.url as string,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    received.push(seen);
    const { answer } = endpoint;
    if (typeof answer === 'number') response.writeHead(answer).end();
    else answer(response, seen);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  atEnd(t, close);
  const endpoint: HttpEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    notifications: () =>
      received.filter(({ headers }) => headers['x-amz-sns-message-type'] === 'Notification'),
    answer: 200,
    close,
  };
  return endpoint;
}
