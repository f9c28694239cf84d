/** A handler's second argument without a server: for unit tests of handlers, with time that can be set. */

export interface FakeContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
  /** The time that is left from now on, ms. */
  setRemainingTime(ms: number): void;
  done(): void;
  fail(): void;
  succeed(): void;
}

export interface FakeContextInput {
  readonly functionName?: string;
  readonly awsRequestId?: string;
  /** 3 seconds when absent, as on AWS. It stands still: only `setRemainingTime` moves it. */
  readonly remainingMs?: number;
  readonly memoryMb?: number;
}

export function fakeContext(input: FakeContextInput = {}): FakeContext {
  const { functionName = 'test', remainingMs = 3_000, memoryMb = 128 } = input;
  let left = remainingMs;
  const legacy = () => {
    throw new Error('context.done, fail and succeed are not supported by current runtimes');
  };
  return {
    awsRequestId: input.awsRequestId ?? '00000000-0000-4000-8000-000000000000',
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: String(memoryMb),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: '2026/01/01/[$LATEST]00000000000000000000000000000000',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => left,
    setRemainingTime: (ms) => {
      left = ms;
    },
    done: legacy,
    fail: legacy,
    succeed: legacy,
  };
}
