/** `redrive/testing`: an isolated server on a virtual clock, for node:test, vitest and jest. */
export type { AwsService } from './aws-call.ts';
export { type FakeContext, type FakeContextInput, fakeContext } from './context.ts';
export { Redrive } from './redrive.ts';
export type {
  Answer,
  Attempt,
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
