/** `redrive invoke`: call a function and wait for its answer, or hand it an event and follow what becomes of it. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { type Client, createClient, type EventDetail } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { CliFailure, EXIT } from './failure.ts';
import { printJson, printLine, remark } from './output.ts';
import { formatHeader, formatTimeline } from './timeline.ts';

interface Options extends ServerOptions {
  readonly payload?: string;
  readonly file?: string;
  readonly qualifier?: string;
  readonly event?: boolean;
  readonly follow?: boolean;
  readonly dryRun?: boolean;
}

/** Between two looks at an event that is not settled; real time, because the server is another process. */
const POLL_MS = 200;

export function invokeCommand(): Command {
  return withServer(
    new Command('invoke')
      .description('invoke a function: wait for its answer, or with --event hand it over')
      .argument('<function>', 'name, name:qualifier or ARN'),
  )
    .option('-p, --payload <json>', 'what to send (default: {})')
    .option('-f, --file <path>', 'file with what to send; - reads standard input')
    .option('-q, --qualifier <name>', 'version or alias')
    .option('-e, --event', 'asynchronously: accepted, then retried as AWS does')
    .option('--follow', 'asynchronously, and show the event until its fate')
    .option('--dry-run', 'only check that the call is possible')
    .addHelpText(
      'after',
      '\nExit codes: 0 succeeded (or accepted), 1 the function failed or the event was given up, 2 wrong usage, 3 no server',
    )
    .action(async (name: string, options: Options) => {
      const client = createClient(endpointOf(options));
      const payload = readPayload(options);
      const asynchronous = Boolean(options.event || options.follow);
      const answer = await client.invoke({
        functionName: name,
        qualifier: options.qualifier,
        payload,
        type: options.dryRun ? 'DryRun' : asynchronous ? 'Event' : 'RequestResponse',
      });
      if (options.follow && !options.dryRun) return follow(client, answer.requestId, options);
      if (asynchronous || options.dryRun) {
        if (options.json) printJson({ status: answer.status, requestId: answer.requestId });
        else printLine(options.dryRun ? 'possible' : `accepted ${answer.requestId}`);
        return;
      }
      if (options.json) {
        printJson({ ...answer, payload: parseOrText(answer.payload) });
      } else {
        if (answer.logTail) remark(answer.logTail.trimEnd());
        printLine(answer.payload);
      }
      if (answer.functionError) throw new CliFailure(`the function failed (${answer.functionError})`);
    });
}

function readPayload(options: Options): string {
  if (options.payload !== undefined && options.file !== undefined) {
    throw new CliFailure('--payload, --file: expected one of them, found both', EXIT.usage);
  }
  if (options.file === undefined) return checkJson(options.payload ?? '{}', '--payload');
  try {
    return checkJson(readFileSync(options.file === '-' ? 0 : options.file, 'utf8'), options.file);
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(`--file: ${(error as Error).message}`, EXIT.usage, { cause: error });
  }
}

function checkJson(text: string, where: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new CliFailure(`${where}: expected JSON; ${(cause as Error).message}`, EXIT.usage, { cause });
  }
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A payload that is not JSON (a 202 has none) is shown as it is.
    return text;
  }
}

/** Shows the lines of the timeline as they come; ends with the fate. */
export async function follow(client: Client, requestId: string, options: ServerOptions): Promise<void> {
  let shown = 0;
  let hinted = false;
  for (;;) {
    const event = await client.readEvent(requestId);
    if (!event) throw new CliFailure(`no event ${requestId}`);
    if (!options.json) {
      const lines = [...formatHeader(event), ...formatTimeline(event)];
      for (const line of lines.slice(shown)) printLine(line);
      shown = lines.length;
    }
    if (event.fate) return finish(event, options);
    if (!hinted && event.attempts.length > 0) {
      hinted = true;
      const clock = await client.readClock();
      if (clock.virtual) {
        remark("  the clock is virtual: 'redrive clock advance 1m' in another terminal makes the retry due");
      }
    }
    await delay(POLL_MS);
  }
}

function finish(event: EventDetail, options: ServerOptions): void {
  if (options.json) printJson(event);
  if (event.fate?.kind !== 'Succeeded') process.exitCode = EXIT.failed;
}
