/** Where the server is: `--endpoint`, `REDRIVE_ENDPOINT`, else the default port on this machine. */
import { type Command, Option } from 'commander';
import { CliFailure, EXIT } from './failure.ts';

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4566';

export interface ServerOptions {
  readonly endpoint?: string;
  readonly json?: boolean;
}

/** Adds the options that every command talking to a server has. */
export function withServer(command: Command): Command {
  return command
    .addOption(
      new Option('--endpoint <url>', 'server to talk to').env('REDRIVE_ENDPOINT').default(DEFAULT_ENDPOINT),
    )
    .option('--json', 'print JSON');
}

/** The endpoint as an origin, checked. */
export function endpointOf(options: ServerOptions): string {
  const text = options.endpoint ?? DEFAULT_ENDPOINT;
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new CliFailure(
      `--endpoint: expected a URL such as ${DEFAULT_ENDPOINT}, found '${text}'`,
      EXIT.usage,
      {
        cause,
      },
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CliFailure(`--endpoint: expected an http:// or https:// URL, found '${text}'`, EXIT.usage);
  }
  return url.origin;
}
