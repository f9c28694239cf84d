/** Everything behind topics, put together: publishing, FIFO order, deliveries that leave the house. */
import type { Activity } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { LogSink } from '../runtime/executor.ts';
import type { Store } from '../store/store.ts';
import { Deliverer } from './deliverer.ts';
import { DeliveryLog } from './delivery-log.ts';
import { sendHttp } from './http-sender.ts';
import { createMailSender } from './mail-sender.ts';
import { createTextSender } from './text-sender.ts';
import { TopicFanOut } from './topic-fan-out.ts';
import { TopicSigner } from './topic-signer.ts';
import { Topics } from './topics.ts';

export interface TopicEngineDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly log: Log;
  readonly logSink: LogSink;
  readonly region: string;
  readonly accountId: string;
  /** Names this process as the holder of what it has under way: that comes back at once when it has died. */
  readonly holder: string;
  /** Where this server is reached, for links in messages. */
  readonly endpoint: () => string;
  /** Mail goes out only with a server. */
  readonly smtpUrl?: string;
  readonly mailFrom?: string;
  /** Takes text messages; without it they go into the log. */
  readonly textWebhook?: string;
}

export interface TopicEngine {
  readonly topics: Topics;
  readonly signer: TopicSigner;
  readonly sendsMail: boolean;
  start(): Promise<void>;
  /** Lets sendings end, for some seconds. */
  stop(): Promise<void>;
}

const DEFAULT_SENDER = 'no-reply@sns.amazonaws.com';

export async function createTopicEngine(deps: TopicEngineDeps): Promise<TopicEngine> {
  const signer = await TopicSigner.open(deps);
  const deliveryLog = new DeliveryLog(deps.logSink, deps.ids, deps.region, deps.accountId);
  const topics = new Topics({ ...deps, signer, deliveryLog });
  const mail =
    deps.smtpUrl === undefined
      ? undefined
      : createMailSender({
          smtpUrl: deps.smtpUrl,
          from: deps.mailFrom ?? DEFAULT_SENDER,
          endpoint: deps.endpoint,
        });
  const deliverer = new Deliverer({
    ...deps,
    topics,
    deliveryLog,
    senders: {
      http: sendHttp,
      https: sendHttp,
      sms: createTextSender({ webhook: deps.textWebhook, log: deps.log }),
      ...(mail ? { email: mail, 'email-json': mail } : {}),
    },
  });
  const fanOut = new TopicFanOut({ ...deps, topics });
  return {
    topics,
    signer,
    sendsMail: mail !== undefined,
    async start() {
      await fanOut.start();
      await deliverer.start();
    },
    async stop() {
      fanOut.stop();
      await deliverer.stop();
    },
  };
}
