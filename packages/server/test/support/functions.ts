/** Functions and queues that tests put into a server. */
import { CreateFunctionCommand, type CreateFunctionCommandInput } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { Clients } from './clients.ts';
import { makeZip } from './zip.ts';

/** What AWS demands and Redrive keeps without using it. */
const ROLE = 'arn:aws:iam::000000000000:role/test';

/** Creates a Node function from the source of its `index.mjs`; answers its ARN. */
export async function createFunction(
  { lambda }: Pick<Clients, 'lambda'>,
  name: string,
  source: string,
  more: Partial<CreateFunctionCommandInput> = {},
): Promise<string> {
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: ROLE,
      Code: { ZipFile: await makeZip({ 'index.mjs': source }) },
      ...more,
    }),
  );
  return FunctionArn as string;
}

/** Creates a queue. */
export async function createQueue(
  { sqs }: Pick<Clients, 'sqs'>,
  name: string,
  attributes: Record<string, string> = {},
): Promise<{ url: string; arn: string }> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  const url = QueueUrl as string;
  const answer = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  return { url, arn: answer.Attributes?.QueueArn as string };
}
