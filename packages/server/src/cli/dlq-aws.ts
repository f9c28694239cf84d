/**
 * Dead letters of a real AWS account, as far as SQS's API allows. SQS has no way to look without receiving: what is
 * read here is hidden for a while, given back at once, and its receive count grows. Sending again and deleting are
 * two calls there, so a letter whose deletion fails after it was sent may be sent twice; never lost.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { Message as AwsMessage, SQSClient } from '@aws-sdk/client-sqs';
import type { Command } from 'commander';
import { type DeadLetter, readDeadLetter } from '../domain/dead-letter.ts';
import { clip, formatGroups, type Group } from './dlq-format.ts';
import type { Selection } from './dlq-jobs.ts';
import { endpointOf, type ServerOptions } from './endpoint.ts';
import { CliFailure, EXIT } from './failure.ts';
import { formatInstant, formatTable, printJson, printLine, remark } from './output.ts';

/** How long letters that are being looked at stay hidden from others. */
const HIDDEN_SECONDS = 120;
/** Letters that one command reads at most. */
const MAX_READ = 10_000;
const POLL_MS = 1_000;

interface Read {
  readonly message: AwsMessage;
  readonly letter: DeadLetter;
}

interface RedriveOptions extends ServerOptions {
  readonly rate?: string;
  readonly to?: string;
  readonly function?: string;
  readonly qualifier?: string;
  readonly stopAbove?: string;
}

export function awsDeadLetters(options: ServerOptions, command: Command) {
  const endpoint = command.getOptionValueSource('endpoint') === 'default' ? undefined : endpointOf(options);
  const letters = new AwsDeadLetters(endpoint, options.json ?? false);
  return {
    list: () => inWords(letters.list()),
    groups: (queue: string) => inWords(letters.groups(queue)),
    show: (queue: string, which: Parameters<AwsDeadLetters['show']>[1]) =>
      inWords(letters.show(queue, which)),
    redrive: (queue: string, selection: Selection, how: RedriveOptions) =>
      inWords(letters.redrive(queue, selection, how)),
    discard: (queue: string, selection: Selection) => inWords(letters.discard(queue, selection)),
    export: (queue: string, target: NodeJS.WritableStream) => inWords(letters.export(queue, target)),
  };
}

/** What AWS refuses, and credentials that are missing, as a sentence. */
async function inWords(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (cause instanceof CliFailure || !(cause instanceof Error)) throw cause;
    const hint = /configured as a Dead Letter Queue/.test(cause.message)
      ? ' It is not the dead-letter queue of a queue: name its function with --function, or a target with --to and letters or a group.'
      : '';
    throw new CliFailure(`AWS: ${cause.name}: ${cause.message}${hint}`, EXIT.failed, { cause });
  }
}

class AwsDeadLetters {
  readonly #endpoint: string | undefined;
  readonly #json: boolean;
  #sqs: Promise<SQSClient> | undefined;

  constructor(endpoint: string | undefined, json: boolean) {
    this.#endpoint = endpoint;
    this.#json = json;
  }

  /** Queues that are the dead-letter queue of another. */
  async list(): Promise<void> {
    const sdk = await import('@aws-sdk/client-sqs');
    const sqs = await this.#client();
    const rows: { queue: string; letters: number; sources: string[] }[] = [];
    for await (const { QueueUrls = [] } of sdk.paginateListQueues({ client: sqs }, { MaxResults: 1000 })) {
      for (const url of QueueUrls) {
        const sources =
          (await sqs.send(new sdk.ListDeadLetterSourceQueuesCommand({ QueueUrl: url }))).queueUrls ?? [];
        const { Attributes = {} } = await sqs.send(
          new sdk.GetQueueAttributesCommand({
            QueueUrl: url,
            AttributeNames: ['ApproximateNumberOfMessages'],
          }),
        );
        const name = nameOf(url);
        if (sources.length === 0 && !/dlq|dead/i.test(name)) continue;
        rows.push({
          queue: name,
          letters: Number(Attributes.ApproximateNumberOfMessages ?? 0),
          sources: sources.map(nameOf),
        });
      }
    }
    if (this.#json) return printJson({ queues: rows });
    if (rows.length === 0)
      return printLine('no queue is the dead-letter queue of another, or is named like one');
    printLine(
      formatTable(
        ['QUEUE', 'LETTERS', 'OF'],
        rows.map((row) => [row.queue, String(row.letters), row.sources.join(', ')]),
      ),
    );
  }

  async groups(queue: string): Promise<void> {
    const groups = new Map<string, Group>();
    let total = 0;
    await this.#look(queue, ({ letter, message }) => {
      total++;
      const { id, type, message: text, frames } = letter.fingerprint;
      const at = letter.deadLetteredAt;
      const group: Group = groups.get(id) ?? {
        fingerprint: id,
        type,
        message: text,
        frames: [...frames],
        count: 0,
        firstSeenAt: at,
        lastSeenAt: at,
        kinds: {},
        versions: {},
        sources: {},
        conditions: {},
        sample: message.MessageId ?? '',
      };
      group.count++;
      group.firstSeenAt = Math.min(group.firstSeenAt, at);
      group.lastSeenAt = Math.max(group.lastSeenAt, at);
      const source = sourceOf(letter);
      if (source !== undefined) group.sources[source] = (group.sources[source] ?? 0) + 1;
      groups.set(id, group);
    });
    const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
    if (this.#json) return printJson({ total, groups: sorted });
    printLine(sorted.length === 0 ? `${queue} is empty` : formatGroups(sorted));
  }

  async show(
    queue: string,
    { group, limit }: { readonly group?: string; readonly limit: string },
  ): Promise<void> {
    const found: Read[] = [];
    await this.#look(queue, (read) => {
      if (group === undefined || read.letter.fingerprint.id === group) found.push(read);
      return found.length < Number(limit);
    });
    if (this.#json) {
      return printJson({
        messages: found.map(({ message, letter }) => ({ ...letter, messageId: message.MessageId })),
      });
    }
    printLine(
      formatTable(
        ['MESSAGE', 'DEAD SINCE', 'REQUEST ID', 'FAILURE', 'PAYLOAD'],
        found.map(({ message, letter }) => [
          message.MessageId ?? '',
          formatInstant(letter.deadLetteredAt),
          letter.requestId ?? '',
          clip(`${letter.fingerprint.type}: ${letter.failure.message}`, 60),
          clip(letter.payload, 60),
        ]),
      ),
    );
  }

  /** All letters of a queue's redrive policy: SQS moves them itself. Anything else is sent and deleted one by one. */
  async redrive(queue: string, selection: Selection, options: RedriveOptions): Promise<void> {
    if (options.stopAbove !== undefined) {
      throw new CliFailure(
        '--stop-above: AWS does not tell what becomes of a letter; leave it out',
        EXIT.usage,
      );
    }
    const toFunction = options.function ?? options.to?.match(/:function:([^:]+)/)?.[1];
    if (selection.kind === 'all' && toFunction === undefined) return this.#moveAll(queue, options);
    const pauseMs = options.rate === undefined ? 0 : 1000 / Number(options.rate);
    let moved = 0;
    const refused: Record<string, number> = {};
    await this.#consume(queue, selection, async ({ message, letter }) => {
      const refusal = await this.#sendAgain(message, letter, { ...options, function: toFunction });
      if (refusal !== undefined) {
        refused[refusal] = (refused[refusal] ?? 0) + 1;
        return false;
      }
      moved++;
      if (pauseMs > 0) await delay(pauseMs);
      return true;
    });
    if (this.#json) printJson({ moved, refused });
    else {
      printLine(`${moved} letters sent again`);
      for (const [reason, count] of Object.entries(refused)) printLine(`  ${count} × ${reason}`);
    }
    if (Object.keys(refused).length > 0) process.exitCode = EXIT.failed;
  }

  async discard(queue: string, selection: Selection): Promise<void> {
    let discarded = 0;
    await this.#consume(queue, selection, async () => {
      discarded++;
      return true;
    });
    if (this.#json) printJson({ discarded });
    else printLine(`${discarded} letters discarded`);
  }

  async export(queue: string, target: NodeJS.WritableStream): Promise<void> {
    const lines: string[] = [];
    await this.#look(queue, ({ message, letter }) => {
      lines.push(
        `${JSON.stringify({
          messageId: message.MessageId,
          requestId: letter.requestId,
          body: message.Body,
          messageAttributes: exportAttributes(message),
          sentAt: Number(message.Attributes?.SentTimestamp),
          groupId: message.Attributes?.MessageGroupId,
          deadLetterSourceArn: message.Attributes?.DeadLetterQueueSourceArn,
        })}\n`,
      );
    });
    for (const line of lines) if (!target.write(line)) await once(target, 'drain');
  }

  async #moveAll(queue: string, options: RedriveOptions): Promise<void> {
    const sdk = await import('@aws-sdk/client-sqs');
    const sqs = await this.#client();
    const url = await this.#url(queue);
    const { Attributes = {} } = await sqs.send(
      new sdk.GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
    );
    const SourceArn = Attributes.QueueArn as string;
    const { TaskHandle } = await sqs.send(
      new sdk.StartMessageMoveTaskCommand({
        SourceArn,
        DestinationArn: options.to,
        MaxNumberOfMessagesPerSecond:
          options.rate === undefined ? undefined : Math.ceil(Number(options.rate)),
      }),
    );
    const interrupted = () => {
      void sqs
        .send(new sdk.CancelMessageMoveTaskCommand({ TaskHandle }))
        .finally(() => process.exit(EXIT.failed));
    };
    process.once('SIGINT', interrupted);
    for (;;) {
      const { Results = [] } = await sqs.send(
        new sdk.ListMessageMoveTasksCommand({ SourceArn, MaxResults: 1 }),
      );
      const task = Results[0];
      const moved = Number(task?.ApproximateNumberOfMessagesMoved ?? 0);
      if (task?.Status === 'RUNNING' || task?.Status === 'CANCELLING') {
        if (process.stderr.isTTY) {
          process.stderr.write(
            `\r\u001b[Kmoved ${moved} of ${task.ApproximateNumberOfMessagesToMove ?? '?'}`,
          );
        }
        await delay(POLL_MS);
        continue;
      }
      process.off('SIGINT', interrupted);
      if (this.#json) printJson(task);
      else printLine(`${task?.Status ?? 'unknown'}: ${moved} letters moved`);
      if (task?.FailureReason) {
        const hint =
          task.FailureReason === 'CouldNotDetermineMessageSource'
            ? '; they were not put there by a redrive policy: name the function with --function'
            : '';
        throw new CliFailure(`${task.FailureReason}${hint}`);
      }
      return;
    }
  }

  /** Why it could not be sent; `undefined` when it was. */
  async #sendAgain(
    message: AwsMessage,
    letter: DeadLetter,
    options: RedriveOptions,
  ): Promise<string | undefined> {
    const { origin } = letter;
    const functionName = options.function ?? (origin?.kind === 'function' ? origin.functionName : undefined);
    if (functionName !== undefined && (options.to === undefined || options.function !== undefined)) {
      const { InvokeCommand } = await import('@aws-sdk/client-lambda');
      const lambda = await this.#lambda();
      await lambda.send(
        new InvokeCommand({
          FunctionName: functionName,
          Qualifier: options.qualifier ?? (origin?.kind === 'function' ? origin.qualifier : undefined),
          InvocationType: 'Event',
          Payload: Buffer.from(letter.payload),
        }),
      );
      return undefined;
    }
    const arn = options.to ?? (origin?.kind === 'queue' ? origin.arn : undefined);
    if (arn === undefined) return 'the letter does not say where it came from: name --function or --to';
    const sdk = await import('@aws-sdk/client-sqs');
    const sqs = await this.#client();
    const groupId = message.Attributes?.MessageGroupId;
    await sqs.send(
      new sdk.SendMessageCommand({
        QueueUrl: await this.#url(arn.split(':').at(-1) as string),
        MessageBody: message.Body,
        MessageAttributes: message.MessageAttributes,
        ...(arn.endsWith('.fifo') && { MessageGroupId: groupId, MessageDeduplicationId: message.MessageId }),
      }),
    );
    return undefined;
  }

  /** Reads letters; `take` says which of the selected are done with: those are deleted, the others given back. */
  async #consume(queue: string, selection: Selection, take: (read: Read) => Promise<boolean>): Promise<void> {
    const sdk = await import('@aws-sdk/client-sqs');
    const sqs = await this.#client();
    const QueueUrl = await this.#url(queue);
    await this.#look(queue, async (read) => {
      const chosen =
        selection.kind === 'all' ||
        (selection.kind === 'group'
          ? read.letter.fingerprint.id === selection.fingerprint
          : selection.refs.includes(read.message.MessageId ?? ''));
      if (!chosen || !(await take(read))) return true;
      await sqs.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle: read.message.ReceiptHandle }));
      return 'gone';
    });
  }

  /** Receives everything there is, and gives back what `visit` has not removed. `false` ends it early. */
  async #look(
    queue: string,
    // biome-ignore lint/suspicious/noConfusingVoidType: a visitor that says nothing goes on
    visit: (read: Read) => void | boolean | 'gone' | Promise<boolean | 'gone'>,
  ): Promise<void> {
    const sdk = await import('@aws-sdk/client-sqs');
    const sqs = await this.#client();
    const QueueUrl = await this.#url(queue);
    const held = new Map<string, AwsMessage>();
    let empty = 0;
    try {
      for (let wanted = true, seen = 0; wanted && seen < MAX_READ && empty < 2; ) {
        const { Messages = [] } = await sqs.send(
          new sdk.ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            VisibilityTimeout: HIDDEN_SECONDS,
            WaitTimeSeconds: 1,
            MessageSystemAttributeNames: ['All'],
            MessageAttributeNames: ['All'],
          }),
        );
        empty = Messages.length === 0 ? empty + 1 : 0;
        for (const message of Messages) {
          seen++;
          const handle = message.ReceiptHandle as string;
          held.set(handle, message);
          const answer: unknown = wanted ? await visit({ message, letter: readAwsLetter(message) }) : true;
          if (answer === 'gone') held.delete(handle);
          if (answer === false) wanted = false;
        }
        if (seen >= MAX_READ) remark(`only the first ${MAX_READ} letters were read`);
      }
    } finally {
      const handles = [...held.keys()];
      for (let i = 0; i < handles.length; i += 10) {
        await sqs.send(
          new sdk.ChangeMessageVisibilityBatchCommand({
            QueueUrl,
            Entries: handles.slice(i, i + 10).map((ReceiptHandle, n) => ({
              Id: String(n),
              ReceiptHandle,
              VisibilityTimeout: 0,
            })),
          }),
        );
      }
    }
  }

  async #url(queue: string): Promise<string> {
    if (/^https?:/.test(queue)) return queue;
    const sdk = await import('@aws-sdk/client-sqs');
    const sqs = await this.#client();
    try {
      const { QueueUrl } = await sqs.send(new sdk.GetQueueUrlCommand({ QueueName: queue }));
      return QueueUrl as string;
    } catch (cause) {
      throw new CliFailure(`${queue}: ${(cause as Error).message}`, EXIT.failed, { cause });
    }
  }

  #client(): Promise<SQSClient> {
    this.#sqs ??= import('@aws-sdk/client-sqs').then((sdk) => new sdk.SQSClient(this.#settings()));
    return this.#sqs;
  }

  async #lambda(): Promise<LambdaClient> {
    const sdk = await import('@aws-sdk/client-lambda');
    return new sdk.LambdaClient(this.#settings());
  }

  #settings() {
    // Region and credentials come from where AWS's own tools take them.
    return this.#endpoint === undefined ? {} : { endpoint: this.#endpoint };
  }
}

function readAwsLetter(message: AwsMessage): DeadLetter {
  return readDeadLetter({
    body: message.Body ?? '',
    attributes: {
      messageAttributes: exportAttributes(message),
      deadLetterSourceArn: message.Attributes?.DeadLetterQueueSourceArn,
    },
    state: {},
    sentAt: Number(message.Attributes?.SentTimestamp ?? 0),
  });
}

function exportAttributes({ MessageAttributes }: AwsMessage) {
  if (!MessageAttributes) return undefined;
  return Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, { DataType = 'String', StringValue, BinaryValue }]) => [
      name,
      BinaryValue === undefined
        ? { DataType, StringValue }
        : { DataType, BinaryValue: Buffer.from(BinaryValue).toString('base64') },
    ]),
  );
}

function sourceOf({ origin }: DeadLetter): string | undefined {
  return (
    origin && (origin.kind === 'function' ? origin.functionName : nameOf(origin.arn.replaceAll(':', '/')))
  );
}

function nameOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}
