/** Metrics are part of the commits they measure: after kills in mid-load they still say what the books say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { atEnd } from '../support/cleanup.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

const EXAMPLE = fileURLToPath(new URL('../../../../examples/orders/template.yaml', import.meta.url));
const KILLS = 3;
const CALLERS = 8;

test('received and dropped events equal the ledger after every SIGKILL', { timeout: 180_000 }, async (t) => {
  const data = await tempFolder(t);
  for (let kill = 0; kill <= KILLS; kill++) {
    const server = await startProcess(t, { data, args: [EXAMPLE] });
    const { lambda, control } = createClients(t, server.endpoint);
    const cloudwatch = new CloudWatchClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    });
    atEnd(t, () => cloudwatch.destroy());
    // What the processes before have accepted runs now; then the books and the metrics stand still.
    await eventually(async () => (await control.ledger()).pending === 0, { timeoutMs: 60_000 });
    const sum = async (MetricName: string) => {
      const { Datapoints } = await cloudwatch.send(
        new GetMetricStatisticsCommand({
          Namespace: 'AWS/Lambda',
          MetricName,
          StartTime: new Date(Date.now() - 3_600_000),
          EndTime: new Date(Date.now() + 60_000),
          Period: 3600,
          Statistics: ['Sum', 'SampleCount'],
        }),
      );
      const add = (pick: 'Sum' | 'SampleCount') =>
        (Datapoints ?? []).reduce((total, point) => total + (point[pick] ?? 0), 0);
      return { sum: add('Sum'), samples: add('SampleCount') };
    };
    const ledger = await control.ledger();
    assert.equal((await sum('AsyncEventsReceived')).sum, ledger.accepted);
    assert.deepEqual(await sum('AsyncEventsDropped'), { sum: 0, samples: ledger.fates.Succeeded });
    assert.ok((await sum('Invocations')).sum >= ledger.accepted);
    if (kill === KILLS) {
      assert.ok(ledger.accepted > 100, `only ${ledger.accepted} events were accepted`);
      return;
    }
    let calls = 0;
    const call = async () => {
      for (;;) {
        const Payload = JSON.stringify({ id: String(calls++) });
        const input = { FunctionName: 'orders-confirm', InvocationType: 'Event' as const, Payload };
        try {
          await lambda.send(new InvokeCommand(input));
        } catch {
          // The server is gone: so is this caller.
          return;
        }
      }
    };
    const callers = Array.from({ length: CALLERS }, call);
    await eventually(() => calls > 60 * (kill + 1), { timeoutMs: 30_000 });
    await server.kill9();
    await Promise.all(callers);
  }
});
