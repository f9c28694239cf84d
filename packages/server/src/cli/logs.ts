/** `redrive logs`: the lines of a function or a log group, and with --follow those still to come. */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { type Client, createClient } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { sinceMs } from './events.ts';
import { formatInstant, printable, printLine } from './output.ts';

interface Options extends ServerOptions {
  readonly follow?: boolean;
  readonly since: string;
  readonly filter?: string;
}

interface LogLine {
  readonly eventId: string;
  readonly timestamp: number;
  readonly logStreamName: string;
  readonly message: string;
}

const POLL_MS = 500;
/** Lines may arrive later than their own time says; ids already shown within this window are skipped. */
const OVERLAP_MS = 10_000;

export function logsCommand(): Command {
  return withServer(
    new Command('logs')
      .description('show what a function wrote')
      .argument('<function-or-group>', 'function name, or log group with its slashes'),
  )
    .option('--follow', 'stay and show new lines')
    .option('--since <duration>', 'lines of the last 90s, 10m, 2h, 3d …', '10m')
    .option('--filter <pattern>', 'CloudWatch Logs filter pattern')
    .action(async (name: string, options: Options) => {
      const client = createClient(endpointOf(options));
      const group = name.includes('/') ? name : `/aws/lambda/${name}`;
      let from = (await client.readClock()).now - sinceMs(options.since);
      let seen = new Map<string, number>();
      for (;;) {
        for await (const line of readLines(client, group, options.filter, from)) {
          if (seen.has(line.eventId)) continue;
          seen.set(line.eventId, line.timestamp);
          print(line, options);
        }
        if (!options.follow) return;
        const newest = Math.max(from, ...seen.values());
        from = Math.max(from, newest - OVERLAP_MS);
        seen = new Map([...seen].filter(([, at]) => at >= from));
        await delay(POLL_MS);
      }
    });
}

async function* readLines(
  client: Client,
  group: string,
  pattern: string | undefined,
  from: number,
): AsyncGenerator<LogLine> {
  let token: string | undefined;
  do {
    const page = (await client.callAws('logs', 'FilterLogEvents', {
      logGroupName: group,
      filterPattern: pattern,
      startTime: from,
      nextToken: token,
    })) as { events: LogLine[]; nextToken?: string };
    yield* page.events;
    token = page.nextToken;
  } while (token);
}

function print(line: LogLine, options: ServerOptions): void {
  // One object a line, so that a stream of them can be piped.
  if (options.json) printLine(JSON.stringify(line));
  else printLine(`${formatInstant(line.timestamp)}  ${printable(line.message.trimEnd())}`);
}
