/** boto3 and the AWS CLI in processes of their own, where the machine has them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

function environment(endpoint: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args, { timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

/** `false`, or why a test that needs boto3 is skipped. */
export const withoutBoto3 = (await works('python3', ['-c', 'import boto3']))
  ? false
  : 'boto3 is not installed';
/** `false`, or why a test that needs the AWS CLI is skipped. */
export const withoutCli = (await works('aws', ['--version'])) ? false : 'the AWS CLI is not installed';

/** Runs a Python script that prints JSON last. Fails with what it wrote on stderr. */
export async function runPython<T>(endpoint: string, script: string): Promise<T> {
  const { stdout } = await run('python3', ['-c', script], { env: environment(endpoint), timeout: 120_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1) || 'null') as T;
}

/** Runs an AWS CLI command and reads its JSON; `undefined` when it prints nothing. */
export async function runCli<T = Record<string, unknown>>(
  endpoint: string,
  ...args: string[]
): Promise<T | undefined> {
  // Version 1 of the CLI takes no endpoint for SQS from the environment.
  const whole = ['--endpoint-url', endpoint, ...args, '--output', 'json'];
  const { stdout } = await run('aws', whole, {
    env: environment(endpoint),
    timeout: 120_000,
  });
  return stdout.trim() === '' ? undefined : (JSON.parse(stdout) as T);
}
