/** The only place that wires parts together, and the order in which they start and stop. */
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import type { Config } from './config.ts';
import { CONTROL_PATH, createControl } from './control/index.ts';
import { Engine } from './engine/engine.ts';
import { EventSourceMappings } from './engine/event-source-mapping.ts';
import { StoreLogSink } from './engine/log-sink.ts';
import { createObservation } from './engine/observation.ts';
import { createRetention } from './engine/retention.ts';
import { createTopicEngine } from './engine/topic-engine.ts';
import { FaultRules } from './faults/fault-rules.ts';
import { createFaultyApi } from './faults/faulty-api.ts';
import { createFaultyDeliveries } from './faults/faulty-deliveries.ts';
import { createFaultyExecutor } from './faults/faulty-executor.ts';
import { createFaultyStore } from './faults/faulty-store.ts';
import { createSurroundings } from './faults/surroundings.ts';
import { KeyRing, readPeopleKeys } from './keys.ts';
import { Activity } from './platform/activity.ts';
import { type Clock, VirtualClock } from './platform/clock.ts';
import { createIds } from './platform/ids.ts';
import { createLog } from './platform/log.ts';
import { type Random, SeededRandom, SystemRandom } from './platform/random.ts';
import { comesFromForeignPage } from './protocol/browser.ts';
import { createFrontend } from './protocol/frontend.ts';
import { createHttpServer } from './protocol/http.ts';
import { createCodeStore } from './runtime/code-store.ts';
import { createExecutor } from './runtime/pool.ts';
import { createRuntimes } from './runtime/runtimes.ts';
import { shareCode } from './runtime/shared-code-store.ts';
import { createCloudWatchService } from './services/cloudwatch/index.ts';
import { CODE_PATH, createCodeDownload } from './services/lambda/code-download.ts';
import { createFunctionUrlServer } from './services/lambda/function-url-server.ts';
import { createLambdaService } from './services/lambda/index.ts';
import { createLogsService } from './services/logs/index.ts';
import { createSnsService } from './services/sns/index.ts';
import { createSqsService } from './services/sqs/index.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import { createCall } from './template/call.ts';
import { deployTemplate } from './template/deploy.ts';

export interface RunningServer {
  /** `http://127.0.0.1:4566` */
  readonly endpoint: string;
  readonly console: string;
  /** Drains: answers what is under way, within ten seconds. */
  stop(): Promise<void>;
}

/** Time that runs under way get when the server stops. */
const DRAIN_MS = 8_000;
const FOREIGN_PAGE_REFUSAL = JSON.stringify({
  error: { code: 'NotAllowed', message: 'a web page of another origin may not change anything here' },
});
/** Resource that remembers a virtual clock's time over a restart. */
const CLOCK = { collection: 'redrive-clock', key: 'now' } as const;
/** Counts the starts on these data. */
const STARTS = { collection: 'redrive-clock', key: 'starts' } as const;

/** Starts everything, deploys the templates of the configuration and resolves when the server serves. */
export async function startServer(config: Config): Promise<RunningServer> {
  await mkdir(config.dataDir, { recursive: true });
  const log = createLog(config.logLevel);
  const activity = new Activity();
  const opened = await openStore({
    dataDir: config.dataDir,
    storeUrl: config.storeUrl,
    activity,
    onError: (error) => log.error({ err: error }, 'the database did not answer; it will be asked again'),
  });
  const disk = opened.store;
  const random = await createRandom(disk, config.seed);

  const rememberedNow = disk.resources.get<{ at: number }>(CLOCK.collection, CLOCK.key)?.value.at;
  const virtualClock =
    config.clock === 'virtual'
      ? new VirtualClock(rememberedNow ?? config.startAt ?? Date.now(), activity)
      : undefined;
  const clock: Clock = virtualClock ?? opened.clock;
  const advanceClock =
    virtualClock &&
    (async (byMs: number) => {
      const at = await virtualClock.advance(byMs);
      await disk.commit([{ kind: 'put', ...CLOCK, value: { at } }]);
      return at;
    });

  const ids = createIds(clock, random);
  const faults = new FaultRules({
    store: disk,
    clock,
    ids,
    random,
    activity,
    log,
    surroundings: createSurroundings({
      injectDiskFault: opened.injectDiskFault,
      kill: () => process.kill(process.pid, 'SIGKILL'),
    }),
  });
  faults.start();
  const store = createFaultyStore(disk, faults, clock);
  const keys = new KeyRing(random);
  if (config.auth === 'keys') {
    const { operator, viewer } = await readPeopleKeys(config.dataDir, random);
    keys.addPerson(operator, 'operator');
    keys.addPerson(viewer, 'viewer');
  }
  const place = { region: config.region, accountId: config.account };
  const base = { store, clock, ids, random, activity, log, ...place };

  const observation = createObservation(base);

  let endpoint = '';
  const logSink = new StoreLogSink({
    store,
    clock,
    activity,
    taps: observation.taps,
    onError: (error, dropped) => log.error({ err: error, dropped }, 'function output could not be stored'),
  });
  const retention = createRetention({
    store,
    clock,
    activity,
    onError: (error) => log.error({ err: error }, 'retention failed; the next round tries again'),
  });
  const localCode = await createCodeStore(join(config.dataDir, 'code'));
  const codeStore = opened.blobs ? shareCode(localCode, opened.blobs) : localCode;
  const processes = createExecutor({
    codeStore,
    dataDir: config.dataDir,
    clock,
    ids,
    random,
    logSink,
    log,
    endpoint: () => endpoint,
    credentials: () => ({
      accessKeyId: keys.functions.id,
      secretAccessKey: keys.functions.secret,
      sessionToken: 'redrive',
    }),
  });
  const executor = createFaultyExecutor(processes, { rules: faults, clock, ids, logSink });
  const engine = new Engine({
    ...base,
    executor,
    share: opened.share,
    wrapDeliveries: createFaultyDeliveries(faults),
    onTransition: (requestId, { fate }) => {
      if (fate && faults.has('function')) void activity.track(faults.endRequest(requestId));
    },
    onRun: observation.onRun,
  });
  const mappings = new EventSourceMappings({ ...base, engine, holder: ids.uuid() });

  const sqs = createSqsService(base);
  const topics = await createTopicEngine({
    ...base,
    holder: ids.uuid(),
    logSink,
    endpoint: () => endpoint,
    smtpUrl: config.smtpUrl,
    mailFrom: config.mailFrom,
    textWebhook: config.smsWebhook,
  });
  const sns = createSnsService({ ...base, engine: topics, endpoint: () => endpoint });
  const lambda = { ...base, codeStore, engine, runtimes: createRuntimes() };
  const services = [
    createLambdaService(lambda),
    sqs,
    sns,
    createLogsService({ ...base, taps: observation.taps }),
    createCloudWatchService({ ...base, ...observation }),
  ];

  const control = createControl({
    ...base,
    engine,
    executor,
    faults,
    advanceClock,
    authenticate: config.auth === 'keys' ? (id, secret) => keys.roleOf(id, secret) : undefined,
  });
  const downloadCode = createCodeDownload(codeStore);
  control.app.get(`${CODE_PATH}:file`, async (c) => {
    const { status, headers, body } = await downloadCode(c.req.path);
    return new Response(new Uint8Array(body), { status, headers });
  });

  control.app.get(topics.signer.certificatePath, (c) => c.body(topics.signer.certificate));

  const serveFunctionUrl = createFunctionUrlServer(config.auth === 'keys' ? { ...lambda, keys } : lambda);
  const serveControl = getRequestListener(control.app.fetch);
  const frontend = createFrontend({
    services,
    auth: config.auth === 'keys' ? { mode: 'keys', keys } : { mode: 'open' },
    ...place,
    clock,
    ids,
    log,
    interceptor: createFaultyApi({
      rules: faults,
      allowHeader: config.clock === 'virtual' || config.allowFaults === true,
    }),
    fallback: (request, response) => {
      if (serveFunctionUrl(request, response)) return;
      // A server that asks for keys has sessions whose cookie no foreign page can use.
      const sensitive = request.method !== 'GET' || request.url?.startsWith(CONTROL_PATH);
      if (config.auth === 'open' && sensitive && comesFromForeignPage(request.headers)) {
        response.writeHead(403, { 'content-type': 'application/json' });
        response.end(FOREIGN_PAGE_REFUSAL);
        return;
      }
      void serveControl(request, response);
    },
  });
  const server = createHttpServer(frontend.handle.bind(frontend));

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  endpoint = formatEndpoint(config.host, (server.address() as AddressInfo).port);
  await engine.start();
  mappings.start();
  sqs.start();
  await topics.start();
  sns.start();
  control.start();
  const stopRetention = opened.singleton('retention', retention);
  const stopObservation = opened.singleton('observation', {
    start: () => observation.start(),
    stop: () => void observation.stop(),
  });

  const running: RunningServer = {
    endpoint,
    console: `${endpoint}/_redrive/`,
    async stop() {
      server.close();
      server.closeIdleConnections();
      control.stop();
      sqs.stop();
      sns.stop();
      await stopRetention();
      await stopObservation();
      const drained = Promise.all([engine.stop(), mappings.stop(), topics.stop()]);
      await executor.stop(DRAIN_MS);
      await drained;
      await logSink.flush();
      await observation.stop();
      server.closeAllConnections();
      await store.close();
    },
  };
  try {
    const call = createCall(services, { ...place, endpoint, ids });
    for (const template of config.templates) await deployTemplate({ template, call, ...place });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running;
}

/**
 * With a seed the same ids and choices come again. Each start on the same data has its own sequence: an id must
 * never come twice.
 */
async function createRandom(store: Store, seed: number | undefined): Promise<Random> {
  if (seed === undefined) return new SystemRandom();
  const starts =
    (store.resources.get<{ count: number }>(STARTS.collection, STARTS.key)?.value.count ?? 0) + 1;
  await store.commit([{ kind: 'put', ...STARTS, value: { count: starts } }]);
  return new SeededRandom(seed + Math.imul(starts, 0x9e3779b9));
}

/** An address that a client on this machine can use. */
function formatEndpoint(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
