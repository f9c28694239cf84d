/** `redrive events`: the accepted events, newest first, or the whole story of one. */
import { Command, Option } from 'commander';
import { parseDuration } from '../platform/duration.ts';
import { createClient } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { eventsTailCommand } from './events-tail.ts';
import { CliFailure, EXIT } from './failure.ts';
import { follow } from './invoke.ts';
import { formatInstant, formatTable, printJson, printLine } from './output.ts';
import { formatFate, formatHeader, formatTimeline, functionOf } from './timeline.ts';

const STATUSES = ['Pending', 'Succeeded', 'DeadLettered', 'SentToDestination', 'Discarded'];

interface Options extends ServerOptions {
  readonly function?: string;
  readonly status?: string;
  readonly since?: string;
  readonly limit: string;
  readonly follow?: boolean;
}

export function eventsCommand(): Command {
  return (
    withServer(
      new Command('events')
        .description('list accepted events, or show one with its timeline')
        .argument('[request-id]', 'event to show'),
    )
      // Options behind `tail` are its own.
      .enablePositionalOptions()
      .addCommand(eventsTailCommand())
      .option('--function <name>', 'only events of this function')
      .addOption(new Option('--status <status>', 'only events in this state').choices(STATUSES))
      .option('--since <duration>', 'only events accepted in the last 90s, 10m, 2h, 3d …')
      .option('-n, --limit <n>', 'how many to list', '20')
      .option('--follow', 'with a request id: stay until the event has its fate')
      .action(async (requestId: string | undefined, options: Options) => {
        const client = createClient(endpointOf(options));
        if (requestId !== undefined) {
          if (options.follow) return follow(client, requestId, options);
          const event = await client.readEvent(requestId);
          if (!event)
            throw new CliFailure(`no event ${requestId} (settled events are kept for the retention time)`);
          if (options.json) return printJson(event);
          for (const line of [...formatHeader(event), ...formatTimeline(event)]) printLine(line);
          if (!event.fate) printLine('  pending');
          return;
        }
        const events = await client.listEvents({
          function: options.function,
          fate: options.status,
          limit: parseLimit(options.limit),
          from:
            options.since === undefined ? undefined : (await client.readClock()).now - sinceMs(options.since),
        });
        if (options.json) return printJson({ events });
        if (events.length === 0) return printLine('no events');
        printLine(
          formatTable(
            ['ACCEPTED', 'REQUEST ID', 'FUNCTION', 'FATE'],
            events.map((event) => [
              formatInstant(event.acceptedAt),
              event.requestId,
              functionOf(event.functionArn),
              formatFate(event),
            ]),
          ),
        );
      })
  );
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new CliFailure(`--limit: expected a number of at least 1, found '${text}'`, EXIT.usage);
  }
  return limit;
}

export function sinceMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new CliFailure(`--since: expected a duration such as 90s, 10m or 2h, found '${text}'`, EXIT.usage);
  }
  return ms;
}
