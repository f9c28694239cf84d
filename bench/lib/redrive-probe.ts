/** Sends single events to Redrive and measures how long each takes to reach its handler. */
import { Agent, request } from 'node:http';
import { answer } from './child.ts';
import { type LatencyResult, type Listener, listen, type ProbeOptions } from './latency-probe.ts';
import { type Credentials, signRequest } from './signed-request.ts';

export type ProbeMessage =
  | { readonly kind: 'listen' }
  | {
      readonly kind: 'probe';
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly credentials: Credentials;
      readonly options: ProbeOptions;
    };

let listener: Listener;

answer<ProbeMessage>({
  async listen() {
    listener = await listen();
    return listener.port;
  },
  async probe({ host, port, path, credentials, options }): Promise<LatencyResult> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    // Signed one ahead, while idle: signing is the client's work.
    const { samples, warmUp } = options;
    const prepared = new Map<string, Buffer>();
    for (let i = -warmUp; i < samples; i++) {
      const id = `probe-${i}-${process.pid}`;
      const body = Buffer.from(JSON.stringify({ id, note: 'x'.repeat(1000) }));
      prepared.set(
        id,
        signRequest({
          host: `${host}:${port}`,
          path,
          credentials,
          region: 'us-east-1',
          service: 'lambda',
          headers: { 'x-amz-invocation-type': 'Event' },
          body,
        }),
      );
    }
    try {
      return await listener.measure((id) => send(agent, host, port, prepared.get(id) as Buffer), options);
    } finally {
      agent.destroy();
      listener.close();
    }
  },
});

/** Sends the prepared bytes through node:http, for its keep-alive. */
function send(agent: Agent, host: string, port: number, bytes: Buffer): Promise<void> {
  const end = bytes.indexOf('\r\n\r\n');
  const [start = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(': ');
    headers[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, host, port, method: 'POST', path: start.split(' ')[1], headers },
      (response) => {
        response.resume();
        response.once('end', () => {
          if (response.statusCode === 202) resolve();
          else reject(new Error(`answered ${response.statusCode}`));
        });
      },
    );
    call.once('error', reject);
    call.end(bytes.subarray(end + 4));
  });
}
