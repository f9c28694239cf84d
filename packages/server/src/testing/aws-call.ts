/** Any operation of the offered services by its name, through the official SDK clients. They never try again. */

/** As the services are named in ARNs and rules. */
export type AwsService = 'lambda' | 'sqs' | 'sns' | 'logs' | 'cloudwatch';

interface AnyClient {
  send(command: unknown): Promise<Record<string, unknown>>;
  destroy(): void;
}
type Package = Readonly<Record<string, new (input: object) => unknown>>;

const PACKAGES: Readonly<
  Record<AwsService, () => Promise<{ readonly all: Package; readonly client: string }>>
> = {
  lambda: async () => ({ all: (await import('@aws-sdk/client-lambda')) as never, client: 'LambdaClient' }),
  sqs: async () => ({ all: (await import('@aws-sdk/client-sqs')) as never, client: 'SQSClient' }),
  sns: async () => ({ all: (await import('@aws-sdk/client-sns')) as never, client: 'SNSClient' }),
  logs: async () => ({
    all: (await import('@aws-sdk/client-cloudwatch-logs')) as never,
    client: 'CloudWatchLogsClient',
  }),
  cloudwatch: async () => ({
    all: (await import('@aws-sdk/client-cloudwatch')) as never,
    client: 'CloudWatchClient',
  }),
};

export const AWS_SERVICES = Object.keys(PACKAGES) as readonly AwsService[];

export interface AwsCalls {
  /** Rejects with the service's own error, or with a TypeError when there is no such operation. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are read member by member
  call(service: AwsService, operation: string, input: object): Promise<any>;
  close(): void;
}

export function createAwsCalls(endpoint: () => string, region: string): AwsCalls {
  const clients = new Map<string, AnyClient>();
  return {
    async call(service, operation, input) {
      const { all, client: name } = await PACKAGES[service]();
      const Command = all[`${operation}Command`];
      if (!Command) throw new TypeError(`${service} has no operation ${operation}`);
      const key = `${service} ${endpoint()}`;
      let client = clients.get(key);
      if (!client) {
        const Client = all[name] as NonNullable<Package[string]>;
        client = new Client({
          endpoint: endpoint(),
          region,
          maxAttempts: 1,
          credentials: { accessKeyId: 'redrive', secretAccessKey: 'redrive' },
        }) as AnyClient;
        clients.set(key, client);
      }
      return client.send(new Command(input));
    },
    close() {
      for (const client of clients.values()) client.destroy();
      clients.clear();
    },
  };
}
