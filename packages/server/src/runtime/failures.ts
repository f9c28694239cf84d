/**
 * The error payloads that the platform itself makes, exactly as AWS words them (observed November 2025; the
 * signal form from aws-lambda-runtime-interface-emulator).
 */

export interface Failure {
  readonly errorType: string;
  readonly errorMessage: string;
  /** JSON text as a synchronous caller gets it. */
  readonly payload: string;
}

function failure(errorType: string, errorMessage: string): Failure {
  return { errorType, errorMessage, payload: JSON.stringify({ errorType, errorMessage }) };
}

/** Seconds always with two decimals. */
export function timedOut(requestId: string, timeoutMs: number): Failure {
  const seconds = (timeoutMs / 1000).toFixed(2);
  return failure(
    'Sandbox.Timedout',
    `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
  );
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGKILL: 'killed',
  SIGABRT: 'aborted',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
  SIGINT: 'interrupt',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGHUP: 'hangup',
  SIGQUIT: 'quit',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGUSR1: 'user defined signal 1',
  SIGUSR2: 'user defined signal 2',
  SIGXCPU: 'CPU time limit exceeded',
  SIGXFSZ: 'file size limit exceeded',
  SIGSYS: 'bad system call',
};

/** The process ended without an answer. */
export function exited(requestId: string, exit: Exit): Failure {
  return failure('Runtime.ExitError', `RequestId: ${requestId} Error: ${describeExit(exit)}`);
}

function describeExit(exit: Exit): string {
  if (exit.signal !== null) {
    return `Runtime exited with error: signal: ${SIGNAL_WORDS[exit.signal] ?? exit.signal.toLowerCase()}`;
  }
  if (exit.code === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${exit.code}`;
}

/** AWS: Lambda quotas, 6 MB and 100 bytes. */
export const MAX_RESPONSE_BYTES = 6_291_556;

export function responseTooLarge(): Failure {
  const errorType = 'Function.ResponseSizeTooLarge';
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
  // The one error whose message comes first (observed).
  return { errorType, errorMessage, payload: JSON.stringify({ errorMessage, errorType }) };
}

export function noBootstrap(requestId: string): Failure {
  return failure(
    'Runtime.InvalidEntrypoint',
    `RequestId: ${requestId} Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]`,
  );
}

/** An error that the runtime reported; what it is made of is up to the runtime, custom ones included. */
export function reported(payload: string): Failure {
  let errorType = '';
  let errorMessage = '';
  try {
    const parsed: unknown = JSON.parse(payload);
    if (typeof parsed === 'object' && parsed !== null) {
      const members = parsed as Record<string, unknown>;
      if (typeof members.errorType === 'string') errorType = members.errorType;
      if (typeof members.errorMessage === 'string') errorMessage = members.errorMessage;
    }
  } catch {
    // Custom runtimes may post anything; the payload is passed on as it is.
  }
  return { errorType: errorType || 'Runtime.Unknown', errorMessage, payload };
}
