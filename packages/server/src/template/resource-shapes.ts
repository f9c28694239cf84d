/** The resource types that can be deployed and the properties each may have. Source: SAM and CloudFormation references. */
import type { Shape } from './shape.ts';

const DESTINATION: Shape = { Type: 'text', Destination: 'text' };

export const RESOURCE_SHAPES: Readonly<Record<string, Shape>> = {
  'AWS::Serverless::Function': {
    FunctionName: 'text',
    Description: 'text',
    Handler: 'text',
    Runtime: 'text',
    CodeUri: 'text',
    Timeout: 'number',
    MemorySize: 'number',
    Role: 'any',
    Environment: { Variables: 'texts' },
    DeadLetterQueue: { Type: 'text', TargetArn: 'text' },
    EventInvokeConfig: {
      MaximumEventAgeInSeconds: 'number',
      MaximumRetryAttempts: 'number',
      DestinationConfig: { OnSuccess: DESTINATION, OnFailure: DESTINATION },
    },
    ReservedConcurrentExecutions: 'number',
    Tags: 'texts',
  },
  'AWS::SQS::Queue': {
    QueueName: 'text',
    DelaySeconds: 'number',
    MaximumMessageSize: 'number',
    MessageRetentionPeriod: 'number',
    ReceiveMessageWaitTimeSeconds: 'number',
    VisibilityTimeout: 'number',
    RedrivePolicy: { deadLetterTargetArn: 'text', maxReceiveCount: 'number' },
    FifoQueue: 'flag',
    ContentBasedDeduplication: 'flag',
    DeduplicationScope: 'text',
    FifoThroughputLimit: 'text',
  },
};
