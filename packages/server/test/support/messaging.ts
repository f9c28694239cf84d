/**
 * SQS and SNS on a real store behind the real wire: for tests that need no functions to run. The clock is virtual
 * unless told otherwise, and the fixture can be closed and opened again on the same data.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createTopicEngine, type TopicEngine, type TopicEngineDeps } from '../../src/engine/topic-engine.ts';
import { Activity } from '../../src/platform/activity.ts';
import { type Clock, RealClock, VirtualClock } from '../../src/platform/clock.ts';
import { createIds } from '../../src/platform/ids.ts';
import { createLog } from '../../src/platform/log.ts';
import { SystemRandom } from '../../src/platform/random.ts';
import { createFrontend } from '../../src/protocol/frontend.ts';
import type { RequestContext } from '../../src/protocol/operation.ts';
import { createSnsService, type SnsService } from '../../src/services/sns/index.ts';
import type { SqsLimits } from '../../src/services/sqs/deps.ts';
import { createSqsService, type SqsService } from '../../src/services/sqs/index.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { atEnd, type Cleanup } from './cleanup.ts';
import { tempFolder } from './temp-folder.ts';

export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';
/** Where a virtual clock begins. */
export const START_AT = Date.UTC(2030, 0, 1);

export interface MessagingOptions {
  readonly clock?: 'virtual' | 'real';
  /** Folder of an earlier fixture, to go on with its data. */
  readonly dataDir?: string;
  readonly startAt?: number;
  readonly limits?: Partial<SqsLimits>;
  readonly senders?: Pick<TopicEngineDeps, 'smtpUrl' | 'mailFrom' | 'textWebhook'>;
}

export interface WrittenLine {
  readonly group: string;
  readonly text: string;
}

export interface Messaging {
  readonly dataDir: string;
  readonly endpoint: string;
  readonly store: SqliteStore;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly service: SqsService;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly topicService: SnsService;
  readonly topicEngine: TopicEngine;
  /** What was written to log groups, in order. */
  readonly lines: readonly WrittenLine[];
  /** Moves a virtual clock and settles. */
  advance(byMs: number): Promise<number>;
  /** An operation without the wire. */
  call<O = Record<string, unknown>>(
    operation: string,
    input: object,
    context?: Partial<RequestContext>,
  ): Promise<O>;
  close(): Promise<void>;
}

export async function startMessaging(t: Cleanup, options: MessagingOptions = {}): Promise<Messaging> {
  const dataDir = options.dataDir ?? (await tempFolder(t));
  const activity = new Activity();
  const virtual =
    options.clock === 'real' ? undefined : new VirtualClock(options.startAt ?? START_AT, activity);
  const clock: Clock = virtual ?? new RealClock();
  const random = new SystemRandom();
  const ids = createIds(clock, random);
  const log = createLog('silent');
  const store = await openSqliteStore({ path: join(dataDir, 'redrive.db'), activity });
  const place = { region: REGION, accountId: ACCOUNT };
  const service = createSqsService({
    store,
    clock,
    ids,
    random,
    activity,
    log,
    ...place,
    limits: options.limits,
  });
  service.start();
  let endpoint = '';
  const lines: WrittenLine[] = [];
  const topicEngine = await createTopicEngine({
    store,
    clock,
    ids,
    random,
    activity,
    log,
    ...place,
    holder: ids.uuid(),
    endpoint: () => endpoint,
    logSink: {
      write: (group, _, written) => void lines.push(...written.map(({ text }) => ({ group, text }))),
    },
    ...options.senders,
  });
  const topicService = createSnsService({
    store,
    clock,
    ids,
    random,
    activity,
    log,
    ...place,
    engine: topicEngine,
    endpoint: () => endpoint,
  });
  const frontend = createFrontend({
    services: [service, topicService],
    auth: { mode: 'open' },
    ...place,
    clock,
    ids,
    log,
    fallback: (request, response) => {
      if (request.url !== topicEngine.signer.certificatePath) response.writeHead(404).end();
      else response.end(topicEngine.signer.certificate);
    },
  });
  const server = createServer((request, response) => frontend.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await topicEngine.start();
  topicService.start();
  const config = {
    endpoint,
    region: REGION,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const sqs = new SQSClient(config);
  const sns = new SNSClient(config);

  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      service.stop();
      topicService.stop();
      await topicEngine.stop();
      sqs.destroy();
      sns.destroy();
      server.close();
      server.closeAllConnections();
      await store.close();
    })();
    return closed;
  };
  atEnd(t, close);

  return {
    dataDir,
    endpoint,
    store,
    clock,
    activity,
    service,
    sns,
    sqs,
    topicService,
    topicEngine,
    lines,
    close,
    async advance(byMs) {
      if (!virtual) throw new Error('only a virtual clock can be moved');
      return virtual.advance(byMs);
    },
    async call<O>(operation: string, input: object, context: Partial<RequestContext> = {}) {
      const handler = service.operations[operation] ?? topicService.operations[operation];
      if (!handler) throw new Error(`no operation ${operation}`);
      return (await handler(input, { ...CALLER, origin: endpoint, ...context })) as O;
    },
  };
}

const CALLER: RequestContext = {
  requestId: '00000000-0000-7000-8000-000000000000',
  region: REGION,
  accountId: ACCOUNT,
  callerArn: `arn:aws:iam::${ACCOUNT}:root`,
  sourceIp: '127.0.0.1',
  origin: 'http://localhost',
  wire: 'json',
  signal: new AbortController().signal,
  setHeader: () => undefined,
};
