/**
 * `redrive aws …`: the AWS CLI of this machine with the endpoint set and credentials that reach nothing else.
 * Everything after `aws` is passed on as it is; only a leading `--endpoint` is ours.
 */
import { spawn } from 'node:child_process';
import { Command } from 'commander';
import { credentials } from './credentials.ts';
import { endpointOf } from './endpoint.ts';
import { CliFailure, EXIT } from './failure.ts';

export function awsCommand(): Command {
  return new Command('aws')
    .description('run the AWS CLI against the server')
    .usage('[--endpoint <url>] <service> <operation> [options…]')
    .argument('[args...]', 'arguments of the AWS CLI')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async (args: string[]) => {
      const { endpoint, rest } = takeEndpoint(args);
      process.exitCode = await runAws(rest, endpoint ?? process.env.REDRIVE_ENDPOINT);
    });
}

function takeEndpoint(args: readonly string[]): { endpoint?: string; rest: readonly string[] } {
  const [first = '', second] = args;
  if (first === '--endpoint') {
    if (second === undefined) throw new CliFailure('--endpoint: expected a URL, found nothing', EXIT.usage);
    return { endpoint: second, rest: args.slice(2) };
  }
  if (first.startsWith('--endpoint='))
    return { endpoint: first.slice('--endpoint='.length), rest: args.slice(1) };
  return { rest: args };
}

/** The environment of the AWS CLI: our endpoint, no profile, no credentials of a real account. */
function awsEnvironment(endpoint: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const keys = credentials(env);
  const { AWS_PROFILE, AWS_DEFAULT_PROFILE, AWS_SESSION_TOKEN, ...kept } = env;
  return {
    ...kept,
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_REGION: keys.region,
    AWS_DEFAULT_REGION: keys.region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  };
}

/** Exit code of the AWS CLI. */
function runAws(args: readonly string[], endpoint: string | undefined): Promise<number> {
  const url = endpointOf({ endpoint });
  // The variable alone is not enough: version 1 overlooks it for SQS in us-east-1.
  const where = args.some((arg) => arg.startsWith('--endpoint-url')) ? [] : ['--endpoint-url', url];
  const child = spawn('aws', [...where, ...args], {
    stdio: 'inherit',
    env: awsEnvironment(url, process.env),
  });
  return new Promise((resolve, reject) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'ENOENT' ? "expected the AWS CLI ('aws') on the PATH, found none" : cause.message;
      reject(new CliFailure(why, EXIT.usage, { cause }));
    });
    child.on('exit', (code, signal) => resolve(signal ? EXIT.failed : (code ?? EXIT.failed)));
  });
}
