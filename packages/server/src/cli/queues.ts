/** `redrive queues`: every SQS queue with what waits in it. */
import { Command } from 'commander';
import { createClient } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { formatTable, printJson, printLine } from './output.ts';

interface Row {
  readonly name: string;
  readonly url: string;
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
  /** Where messages go that were received too often. */
  readonly deadLetterQueue?: string;
}

export function queuesCommand(): Command {
  return withServer(
    new Command('queues')
      .description('list SQS queues and their depth')
      .argument('[prefix]', 'only names that start so'),
  ).action(async (prefix: string | undefined, options: ServerOptions) => {
    const client = createClient(endpointOf(options));
    const rows: Row[] = [];
    let token: string | undefined;
    do {
      const page = (await client.callAws('sqs', 'ListQueues', {
        QueueNamePrefix: prefix,
        NextToken: token,
        MaxResults: 1000,
      })) as { QueueUrls?: string[]; NextToken?: string };
      for (const url of page.QueueUrls ?? []) rows.push(await readQueue(url));
      token = page.NextToken;
    } while (token);
    if (options.json) return printJson({ queues: rows });
    if (rows.length === 0) return printLine('no queues');
    printLine(
      formatTable(
        ['QUEUE', 'VISIBLE', 'IN FLIGHT', 'DELAYED', 'DEAD LETTERS TO'],
        rows.map((row) => [
          row.name,
          String(row.visible),
          String(row.inFlight),
          String(row.delayed),
          row.deadLetterQueue ?? '',
        ]),
      ),
    );

    async function readQueue(url: string): Promise<Row> {
      const answer = (await client.callAws('sqs', 'GetQueueAttributes', {
        QueueUrl: url,
        AttributeNames: ['All'],
      })) as { Attributes: Record<string, string> };
      const attributes = answer.Attributes;
      const policy = attributes.RedrivePolicy && JSON.parse(attributes.RedrivePolicy);
      return {
        name: url.slice(url.lastIndexOf('/') + 1),
        url,
        visible: Number(attributes.ApproximateNumberOfMessages),
        inFlight: Number(attributes.ApproximateNumberOfMessagesNotVisible),
        delayed: Number(attributes.ApproximateNumberOfMessagesDelayed),
        deadLetterQueue: policy?.deadLetterTargetArn?.split(':').at(-1),
      };
    }
  });
}
