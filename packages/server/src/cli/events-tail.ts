/** `redrive events tail`: every line of every timeline as it happens. */
import { Command } from 'commander';
import { createControlClient } from './control-client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { formatInstant, printable, printLine } from './output.ts';

interface Line {
  readonly requestId: string;
  readonly functionName: string;
  readonly at: number;
  readonly kind: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Options extends ServerOptions {
  readonly function?: string;
  readonly errors?: boolean;
}

export function eventsTailCommand(): Command {
  return withServer(
    new Command('tail').description('show what happens to events as it happens; ends with Ctrl-C'),
  )
    .option('--function <name>', 'only events of this function')
    .option('--errors', 'leave out attempts that succeeded')
    .action(async (options: Options) => {
      const client = createControlClient(endpointOf(options));
      const query = new URLSearchParams();
      if (options.function !== undefined) query.set('function', options.function);
      if (options.errors) query.set('errors', 'true');
      const abort = new AbortController();
      process.once('SIGINT', () => abort.abort());
      try {
        for await (const { event, data } of client.listen(`events/tail?${query}`, abort.signal)) {
          if (event !== 'entry') continue;
          const line = JSON.parse(data) as Line;
          printLine(options.json ? JSON.stringify(line) : formatLine(line));
        }
      } catch (error) {
        if (!abort.signal.aborted) throw error;
      }
    });
}

function formatLine({ requestId, functionName, at, kind, data = {} }: Line): string {
  const text = (name: string) => printable(String(data[name] ?? '').split('\n', 1)[0] ?? '').slice(0, 200);
  const head = `${formatInstant(at)}  ${requestId}  ${functionName}`;
  switch (kind) {
    case 'accepted':
      return `${head}  accepted from ${text('source')}`;
    case 'attempt': {
      const error = data.errorType === undefined ? '' : `: ${text('errorType')}: ${text('errorMessage')}`;
      return `${head}  attempt ${text('number')} ${text('outcome')}${error}`;
    }
    case 'retryScheduled':
      return `${head}  due again at ${formatInstant(Number(data.dueAt))}`;
    case 'fate':
      return `${head}  ${text('fate')}${data.reason === undefined ? '' : ` (${text('reason')})`}`;
    default: {
      const facts = Object.keys(data).map((name) => `${name}=${text(name)}`);
      return [`${head}  ${kind}`, ...facts].join(' ');
    }
  }
}
