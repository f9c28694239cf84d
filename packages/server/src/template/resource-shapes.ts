/** The resource types that can be deployed and the properties each may have. Source: SAM and CloudFormation references. */
import type { Shape } from './shape.ts';

const DESTINATION: Shape = { Type: 'text', Destination: 'text' };
const DIMENSIONS: Shape = [{ Name: 'text', Value: 'text' }];

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
  'AWS::SNS::Topic': {
    TopicName: 'text',
    DisplayName: 'text',
    Subscription: [{ Protocol: 'text', Endpoint: 'text' }],
  },
  'AWS::CloudWatch::Alarm': {
    AlarmName: 'text',
    AlarmDescription: 'text',
    ActionsEnabled: 'flag',
    AlarmActions: ['text'],
    OKActions: ['text'],
    InsufficientDataActions: ['text'],
    Namespace: 'text',
    MetricName: 'text',
    Dimensions: DIMENSIONS,
    Statistic: 'text',
    ExtendedStatistic: 'text',
    Unit: 'text',
    Period: 'number',
    EvaluationPeriods: 'number',
    DatapointsToAlarm: 'number',
    Threshold: 'number',
    ComparisonOperator: 'text',
    TreatMissingData: 'text',
    Metrics: [
      {
        Id: 'text',
        Label: 'text',
        Expression: 'text',
        Period: 'number',
        ReturnData: 'flag',
        MetricStat: {
          Metric: { Namespace: 'text', MetricName: 'text', Dimensions: DIMENSIONS },
          Period: 'number',
          Stat: 'text',
          Unit: 'text',
        },
      },
    ],
  },
};
