/**
 * A server of its own for a test, on a virtual clock: nothing happens in it but what the test asks for, time moves
 * when told, and the same seed gives the same run. Works inside node:test, vitest and jest.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FaultBody } from '../faults/fault-schema.ts';
import { parseDuration } from '../platform/duration.ts';
import { zipFolder } from '../runtime/zip-folder.ts';
import { deployTemplate } from '../template/deploy.ts';
import { type AwsCalls, type AwsService, createAwsCalls } from './aws-call.ts';
import { type Host, startApart, startInside } from './host.ts';
import type {
  Answer,
  EventStory,
  Fate,
  FunctionInput,
  Ledger,
  LogLine,
  MetricInput,
  QueueMessage,
  QueueView,
  RedriveOptions,
} from './types.ts';
import { zipSource } from './zip-source.ts';

/** Where a virtual clock begins unless told otherwise: a Thursday, so that nothing depends on today. */
const START_AT = Date.UTC(2026, 0, 1);
const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

/** A message as the control API shows it. */
type Letter = Omit<QueueMessage, 'attributes'> & {
  readonly messageAttributes: Readonly<
    Record<string, { readonly StringValue?: string; readonly BinaryValue?: string }>
  >;
};

export class Redrive {
  readonly #host: Host;
  readonly #calls: AwsCalls;
  readonly #ownFolder: boolean;
  /** SQLite file, code and keys of this server. */
  readonly dataDir: string;
  #stopped = false;
  #keep = false;

  private constructor(host: Host, dataDir: string, ownFolder: boolean) {
    this.#host = host;
    this.dataDir = dataDir;
    this.#ownFolder = ownFolder;
    this.#calls = createAwsCalls(() => host.endpoint, REGION);
  }

  static async start(options: RedriveOptions = {}): Promise<Redrive> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(options.tempDir ?? tmpdir(), 'redrive-')));
    const hostOptions = {
      dataDir,
      seed: options.seed ?? 1,
      startAt: options.startAt === undefined ? START_AT : new Date(options.startAt).getTime(),
      region: REGION,
      account: ACCOUNT,
    };
    const host = await (options.ownProcess ? startApart(hostOptions) : startInside(hostOptions));
    const redrive = new Redrive(host, dataDir, options.dataDir === undefined);
    try {
      for (const template of [options.template ?? []].flat()) await redrive.deploy(template);
    } catch (error) {
      await redrive.stop();
      throw error;
    }
    return redrive;
  }

  /** For clients of one's own: `http://127.0.0.1:40123`. */
  get endpoint(): string {
    return this.#host.endpoint;
  }

  /** Environment that points the SDKs and the AWS CLI here. */
  get env(): Readonly<Record<string, string>> {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'redrive',
      AWS_SECRET_ACCESS_KEY: 'redrive',
    };
  }

  /** Deploys a template; rejects with every problem, each with line and column. */
  async deploy(template: string): Promise<void> {
    await deployTemplate({
      template: resolve(template),
      call: (service, operation, input) => this.call(service as AwsService, operation, input),
      region: REGION,
      accountId: ACCOUNT,
    });
  }

  /** Makes a function from a folder, or from the source of its `index.mjs`; answers its ARN. */
  async deployFunction({ name, folder, source, ...more }: FunctionInput): Promise<string> {
    if ((folder === undefined) === (source === undefined)) {
      throw new TypeError('deployFunction: expected either a folder or a source');
    }
    const zip = folder === undefined ? await zipSource(source ?? '') : await zipFolder(resolve(folder));
    const { FunctionArn } = await this.call('lambda', 'CreateFunction', {
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: `arn:aws:iam::${ACCOUNT}:role/test`,
      Code: { ZipFile: zip },
      ...more,
    });
    return FunctionArn as string;
  }

  /** Any AWS operation, through the official SDK. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are read member by member
  call(service: AwsService, operation: string, input: object = {}): Promise<any> {
    return this.#calls.call(service, operation, input);
  }

  /** Hands an event over (`Invoke`, type `Event`); answers its request id. */
  async invoke(functionName: string, payload: unknown = {}): Promise<string> {
    const answer = await this.call('lambda', 'Invoke', {
      FunctionName: functionName,
      InvocationType: 'Event',
      Payload: JSON.stringify(payload),
    });
    return answer.$metadata.requestId as string;
  }

  /** Calls a function and waits for its answer. */
  async request(functionName: string, payload: unknown = {}): Promise<Answer> {
    const answer = await this.call('lambda', 'Invoke', {
      FunctionName: functionName,
      Payload: JSON.stringify(payload),
      LogType: 'Tail',
    });
    const text = Buffer.from(answer.Payload ?? []).toString('utf8');
    return {
      requestId: answer.$metadata.requestId,
      payload: text === '' ? undefined : JSON.parse(text),
      functionError: answer.FunctionError,
      log: Buffer.from(answer.LogResult ?? '', 'base64').toString('utf8'),
    };
  }

  /** @param body a text, or a value that is sent as JSON */
  async send(queue: string, body: unknown, more: object = {}): Promise<string> {
    const answer = await this.call('sqs', 'SendMessage', {
      QueueUrl: this.queueUrl(queue),
      MessageBody: typeof body === 'string' ? body : JSON.stringify(body),
      ...more,
    });
    return answer.MessageId as string;
  }

  /** @param topic name or ARN */
  async publish(topic: string, message: unknown, more: object = {}): Promise<string> {
    const answer = await this.call('sns', 'Publish', {
      TopicArn: topic.startsWith('arn:') ? topic : `arn:aws:sns:${REGION}:${ACCOUNT}:${topic}`,
      Message: typeof message === 'string' ? message : JSON.stringify(message),
      ...more,
    });
    return answer.MessageId as string;
  }

  queueUrl(name: string): string {
    return `${this.endpoint}/${ACCOUNT}/${name}`;
  }

  /** Moves the clock; everything that falls due on the way runs, in order, and has settled. `3 minutes`, or ms. */
  async advance(by: string | number): Promise<number> {
    if (typeof by === 'string' && parseDuration(by) === undefined) {
      throw new TypeError(`advance: expected a duration such as '3 minutes', found '${by}'`);
    }
    return (await this.control<{ now: number }>('POST', 'clock/advance', { by })).now;
  }

  /** Resolves when nothing is under way any more; the clock stays where it is. */
  settle(): Promise<number> {
    return this.advance(0);
  }

  async now(): Promise<number> {
    return (await this.control<{ now: number }>('GET', 'clock')).now;
  }

  /** The whole story of an event. Rejects for an id that was never accepted. */
  event(requestId: string): Promise<EventStory> {
    return this.control('GET', `events/${encodeURIComponent(requestId)}`);
  }

  /** How an event ended; `undefined` while it is pending. */
  async fate(requestId: string): Promise<Fate | undefined> {
    return (await this.event(requestId)).fate;
  }

  /** All events, oldest first. */
  async events(): Promise<EventStory[]> {
    const stories: EventStory[] = [];
    for (let before: string | undefined; ; ) {
      const page: { events: EventStory[] } = await this.control(
        'GET',
        `events?limit=100${before === undefined ? '' : `&before=${before}`}`,
      );
      for (const { requestId } of page.events) stories.push(await this.event(requestId));
      if (page.events.length < 100) return stories.reverse();
      before = page.events.at(-1)?.requestId;
    }
  }

  /** What waits in a queue, without receiving it; oldest first. */
  async deadLetters(queue: string): Promise<QueueMessage[]> {
    const path = `dead-letters/${encodeURIComponent(queue)}/messages`;
    const { messages } = await this.control<{ messages: { ref: string }[] }>('GET', path);
    return Promise.all(
      messages.map(async ({ ref }) => {
        const letter = await this.control<Letter>('GET', `${path}/${encodeURIComponent(ref)}`);
        const { messageId, body, receiveCount, sentAt, condition, errorType, messageAttributes } = letter;
        const attributes = Object.fromEntries(
          Object.entries(messageAttributes).map(([name, { StringValue, BinaryValue }]) => [
            name,
            StringValue ?? BinaryValue ?? '',
          ]),
        );
        return { messageId, body, receiveCount, sentAt, condition, errorType, attributes };
      }),
    );
  }

  queue(name: string): Promise<QueueView> {
    return this.control('GET', `queues/${encodeURIComponent(name)}`);
  }

  /** Sets a fault; answers its id. */
  async fault(rule: FaultBody): Promise<string> {
    return (await this.control<{ id: string }>('POST', 'faults', rule)).id;
  }

  async lift(id: string): Promise<void> {
    await this.control('DELETE', `faults/${encodeURIComponent(id)}`);
  }

  /** One number over the whole run; `undefined` when the metric has no data. */
  async metric({
    namespace = 'AWS/Lambda',
    name,
    dimensions = {},
    stat = 'Sum',
  }: MetricInput): Promise<number | undefined> {
    const until = (await this.now()) + 60_000;
    const answer = await this.call('cloudwatch', 'GetMetricStatistics', {
      Namespace: namespace,
      MetricName: name,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      StartTime: new Date(START_AT - 86_400_000),
      EndTime: new Date(until),
      // One period over all of it.
      Period: 60 * Math.ceil((until - START_AT + 2 * 86_400_000) / 60_000),
      Statistics: [stat],
    });
    const points = (answer.Datapoints ?? []) as Record<string, number>[];
    if (points.length === 0) return undefined;
    const values = points.map((point) => point[stat] as number);
    if (stat === 'Maximum') return Math.max(...values);
    if (stat === 'Minimum') return Math.min(...values);
    return values.reduce((sum, value) => sum + value, 0) / (stat === 'Average' ? values.length : 1);
  }

  /** `OK`, `ALARM` or `INSUFFICIENT_DATA`; `undefined` when there is no such alarm. */
  async alarm(name: string): Promise<string | undefined> {
    const answer = await this.call('cloudwatch', 'DescribeAlarms', { AlarmNames: [name] });
    return (answer.MetricAlarms?.[0] ?? answer.CompositeAlarms?.[0])?.StateValue;
  }

  /** What a function, or a log group, has written. */
  async logs(functionOrGroup: string): Promise<LogLine[]> {
    const group = functionOrGroup.startsWith('/') ? functionOrGroup : `/aws/lambda/${functionOrGroup}`;
    const answer = await this.call('logs', 'FilterLogEvents', { logGroupName: group }).catch(
      (error: Error) => {
        if (error.name === 'ResourceNotFoundException') return { events: [] };
        throw error;
      },
    );
    return (answer.events ?? []).map(({ timestamp, message }: { timestamp: number; message: string }) => ({
      at: timestamp,
      text: message,
    }));
  }

  ledger(): Promise<Ledger> {
    return this.control('GET', 'ledger');
  }

  /** Recounts the books from the store. */
  verify(): Promise<{ readonly balanced: boolean }> {
    return this.control('GET', 'ledger/verify');
  }

  /** Pulls the plug and starts again on the same data; only with `ownProcess`. */
  kill(): Promise<void> {
    return this.#host.kill();
  }

  /** Leaves the data folder behind when the server stops. */
  keepData(): void {
    this.#keep = true;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#calls.close();
    await this.#host.stop();
    if (this.#ownFolder && !this.#keep) {
      await rm(this.dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** One call of the control API; rejects with what the server says. */
  async control<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.endpoint}/_redrive/api/${path}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) {
      let message = text;
      try {
        message = (JSON.parse(text) as { error: { message: string } }).error.message;
      } catch {
        // Not one of our refusals: the text says it.
      }
      throw new Error(message);
    }
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
