/** `redrive dlq`: dead letters by failure, one by one, edited, tried, sent again, discarded, out and in. */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { createPatch } from 'diff';
import { type ControlClient, createControlClient } from './control-client.ts';
import { awsDeadLetters } from './dlq-aws.ts';
import {
  formatGroups,
  formatJobs,
  formatLetter,
  formatLetters,
  type Group,
  type Job,
  type Letter,
  type LetterSummary,
  pretty,
} from './dlq-format.ts';
import { followJob, type SelectionOptions, selectionOf } from './dlq-jobs.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { CliFailure, EXIT } from './failure.ts';
import { formatInstant, formatTable, printJson, printLine, remark } from './output.ts';

interface Common extends ServerOptions {
  readonly aws?: boolean;
}

const path = (queue: string, rest = '') => `dead-letters/${encodeURIComponent(queue)}${rest}`;

export function dlqCommand(): Command {
  const dlq = new Command('dlq').description('dead letters: list, show, edit, try, redrive, discard');
  for (const command of [
    listCommand(),
    groupsCommand(),
    showCommand(),
    redriveCommand(),
    discardCommand(),
    editCommand(),
    tryCommand(),
    exportCommand(),
    importCommand(),
    jobsCommand(),
  ]) {
    dlq.addCommand(command);
  }
  return dlq;
}

/** `--aws`: the same on a real account, as far as AWS's API allows. */
function withAws(command: Command): Command {
  return command.option(
    '--aws',
    'work on AWS itself, with the credentials of the environment; --endpoint then replaces AWS’s own',
  );
}

function listCommand(): Command {
  return withAws(
    withServer(new Command('list').description('dead-letter queues and how many letters wait')),
  ).action(async (options: Common, command: Command) => {
    if (options.aws) return awsDeadLetters(options, command).list();
    interface Row {
      name: string;
      depth: number;
      oldestAt?: number;
      sources: { kind: string; name: string }[];
    }
    const { queues } = await control(options).get<{ queues: Row[] }>('dead-letters');
    if (options.json) return printJson({ queues });
    if (queues.length === 0) return printLine('no dead-letter queues: nothing names one');
    printLine(
      formatTable(
        ['QUEUE', 'LETTERS', 'OLDEST', 'OF'],
        queues.map((row) => [
          row.name,
          String(row.depth),
          row.oldestAt === undefined ? '' : formatInstant(row.oldestAt),
          row.sources.map(({ kind, name }) => `${kind} ${name}`).join(', '),
        ]),
      ),
    );
  });
}

function groupsCommand(): Command {
  return withAws(
    withServer(
      new Command('groups')
        .description('the letters of a queue by failure')
        .argument('<queue>', 'queue name'),
    ),
  ).action(async (queue: string, options: Common, command: Command) => {
    if (options.aws) return awsDeadLetters(options, command).groups(queue);
    const found = await control(options).get<{ total: number; groups: Group[] }>(path(queue, '/groups'));
    if (options.json) return printJson(found);
    printLine(found.groups.length === 0 ? `${queue} is empty` : formatGroups(found.groups));
  });
}

function showCommand(): Command {
  interface Options extends Common {
    readonly group?: string;
    readonly limit: string;
  }
  return withAws(
    withServer(
      new Command('show')
        .description('the letters of a queue, oldest first, or one of them whole')
        .argument('<queue>', 'queue name')
        .argument('[message]', 'first column of the list'),
    ),
  )
    .option('-g, --group <id>', 'only letters of this group')
    .option('-n, --limit <n>', 'how many to list', '20')
    .action(async (queue: string, ref: string | undefined, options: Options, command: Command) => {
      if (options.aws) return awsDeadLetters(options, command).show(queue, options);
      const client = control(options);
      if (ref !== undefined) {
        const letter = await client.get<Letter>(path(queue, `/messages/${ref}`));
        if (options.json) return printJson(letter);
        return printLine(formatLetter(letter));
      }
      const messages: LetterSummary[] = [];
      let after: string | undefined;
      do {
        const query = new URLSearchParams({
          limit: String(Math.min(500, limitOf(options) - messages.length)),
        });
        if (options.group !== undefined) query.set('group', options.group);
        if (after !== undefined) query.set('after', after);
        const page = await client.get<{ messages: LetterSummary[]; next?: string }>(
          path(queue, `/messages?${query}`),
        );
        messages.push(...page.messages);
        after = page.next;
      } while (after !== undefined && messages.length < limitOf(options));
      if (options.json) return printJson({ messages });
      printLine(messages.length === 0 ? 'no letters' : formatLetters(messages));
    });
}

function withSelection(command: Command): Command {
  return command
    .argument('<queue>', 'queue name')
    .argument('[messages...]', 'letters to take, as `show` names them')
    .option('-g, --group <id>', 'take the letters of this group')
    .option('--all', 'take all letters');
}

function redriveCommand(): Command {
  interface Options extends Common, SelectionOptions {
    readonly rate?: string;
    readonly stopAbove?: string;
    readonly to?: string;
    readonly qualifier?: string;
    readonly function?: string;
    readonly detach?: boolean;
  }
  return withSelection(
    withAws(withServer(new Command('redrive').description('send letters back to where they came from'))),
  )
    .option('--rate <n>', 'letters a second (default: as fast as they go)')
    .option('--stop-above <percent>', 'stop when more than this share fails again: 20%')
    .option('--to <arn>', 'a queue or function instead of where they came from')
    .option('-q, --qualifier <name>', 'version or alias instead of the one that failed')
    .option('--function <name>', 'with --aws: the function whose dead-letter queue it is')
    .option('--detach', 'do not wait: the server goes on by itself')
    .action(async (queue: string, refs: string[], options: Options, command: Command) => {
      const selection = selectionOf(refs, options);
      if (options.aws) return awsDeadLetters(options, command).redrive(queue, selection, options);
      const client = control(options);
      const job = await client.send<Job>('POST', path(queue, '/redrive'), {
        selection,
        ratePerSecond: options.rate === undefined ? undefined : positive('--rate', options.rate),
        stopAboveFailureRate: options.stopAbove === undefined ? undefined : shareOf(options.stopAbove),
        target: options.to,
        qualifier: options.qualifier,
      });
      return followJob(client, job, options);
    });
}

function discardCommand(): Command {
  interface Options extends Common, SelectionOptions {
    readonly reason: string;
    readonly detach?: boolean;
  }
  return withSelection(withAws(withServer(new Command('discard').description('remove letters for good'))))
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--detach', 'do not wait: the server goes on by itself')
    .action(async (queue: string, refs: string[], options: Options, command: Command) => {
      const selection = selectionOf(refs, options);
      if (options.aws) return awsDeadLetters(options, command).discard(queue, selection);
      const client = control(options);
      const job = await client.send<Job>('POST', path(queue, '/discard'), {
        selection,
        reason: options.reason,
      });
      return followJob(client, job, options);
    });
}

function editCommand(): Command {
  interface Options extends Common {
    readonly file?: string;
    readonly payload?: string;
  }
  return withServer(
    new Command('edit')
      .description('change the payload of a letter; the original is kept beside it')
      .argument('<queue>', 'queue name')
      .argument('<message>', 'the letter, as `show` names it'),
  )
    .addOption(new Option('-p, --payload <text>', 'the new payload').conflicts('file'))
    .option('-f, --file <path>', 'file with the new payload; - reads standard input (default: opens $EDITOR)')
    .action(async (queue: string, ref: string, options: Options) => {
      const client = control(options);
      const letter = await client.get<Letter>(path(queue, `/messages/${ref}`));
      const payload = newPayload(letter, options);
      if (payload === letter.payload || payload === pretty(letter.payload))
        return printLine('nothing changed');
      const edited = await client.send<Letter>('PUT', path(queue, `/messages/${ref}/payload`), { payload });
      if (options.json) return printJson(edited);
      const patch = createPatch('payload', pretty(letter.payload), pretty(payload))
        .split('\n')
        .slice(2)
        .join('\n');
      printLine(patch.trimEnd());
      printLine(`edited; it is now ${edited.ref}`);
    });
}

function newPayload(letter: Letter, options: { file?: string; payload?: string }): string {
  if (options.payload !== undefined) return options.payload;
  if (options.file !== undefined) return readText(options.file);
  const editor = process.env.VISUAL || process.env.EDITOR;
  if (!editor || !process.stdin.isTTY) {
    throw new CliFailure('expected --payload, --file, or a terminal and $EDITOR', EXIT.usage);
  }
  const folder = mkdtempSync(join(tmpdir(), 'redrive-edit-'));
  try {
    const file = join(folder, 'payload.json');
    writeFileSync(file, pretty(letter.payload));
    const { status, error } = spawnSync(editor, [file], { stdio: 'inherit', shell: true });
    if (error || status !== 0) throw new CliFailure(`${editor} ended with ${status}: nothing was changed`);
    return readFileSync(file, 'utf8').trimEnd();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryCommand(): Command {
  interface Options extends Common {
    readonly qualifier?: string;
    readonly function?: string;
    readonly payload?: string;
    readonly file?: string;
  }
  interface Answer {
    outcome: string;
    response?: string;
    errorType?: string;
    errorMessage?: string;
    executedVersion?: string;
    durationMs?: number;
    log?: string;
  }
  return withServer(
    new Command('try')
      .description('run a letter through its function; the letter stays where it is')
      .argument('<queue>', 'queue name')
      .argument('<message>', 'the letter, as `show` names it'),
  )
    .option('-q, --qualifier <name>', 'version or alias')
    .option('--function <name>', 'another function')
    .addOption(new Option('-p, --payload <json>', 'instead of its own').conflicts('file'))
    .option('-f, --file <path>', 'file with what to send instead of its own')
    .action(async (queue: string, ref: string, options: Options) => {
      const payload = options.file === undefined ? options.payload : readText(options.file);
      const answer = await control(options).send<Answer>('POST', path(queue, `/messages/${ref}/try`), {
        payload,
        qualifier: options.qualifier,
        functionName: options.function,
      });
      if (options.json) printJson(answer);
      else {
        if (answer.log) remark(answer.log.trimEnd());
        const how = [
          answer.executedVersion && `version ${answer.executedVersion}`,
          answer.durationMs !== undefined && `${answer.durationMs} ms`,
        ].filter(Boolean);
        printLine(`${answer.outcome}${how.length > 0 ? ` (${how.join(', ')})` : ''}`);
        if (answer.errorType) printLine(`${answer.errorType}: ${answer.errorMessage}`);
        else if (answer.errorMessage) printLine(answer.errorMessage);
        if (answer.response !== undefined) printLine(pretty(answer.response));
      }
      if (answer.outcome !== 'succeeded') process.exitCode = EXIT.failed;
    });
}

function exportCommand(): Command {
  interface Options extends Common {
    readonly group?: string;
    readonly output?: string;
  }
  return withAws(
    withServer(
      new Command('export')
        .description('the letters of a queue as JSON lines; they stay where they are')
        .argument('<queue>', 'queue name'),
    ),
  )
    .option('-g, --group <id>', 'only letters of this group')
    .option('-o, --output <path>', 'file to write (default: standard output)')
    .action(async (queue: string, options: Options, command: Command) => {
      const target = options.output === undefined ? process.stdout : createWriteStream(options.output);
      if (options.aws) return awsDeadLetters(options, command).export(queue, target);
      const query = options.group === undefined ? '' : `?group=${encodeURIComponent(options.group)}`;
      const { body } = await control(options).open(path(queue, `/export${query}`));
      if (body)
        await pipeline(Readable.fromWeb(body as never), target, { end: options.output !== undefined });
    });
}

function importCommand(): Command {
  return withServer(
    new Command('import')
      .description('put exported letters into a queue, as new messages')
      .argument('<queue>', 'queue name')
      .argument('[file]', 'JSON lines; - reads standard input', '-'),
  ).action(async (queue: string, file: string, options: Common) => {
    const response = await control(options).open(path(queue, '/import'), {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: readText(file),
    });
    const answer = (await response.json()) as { imported: number };
    if (options.json) printJson(answer);
    else printLine(`${answer.imported} letters imported into ${queue}`);
  });
}

function jobsCommand(): Command {
  interface Options extends Common {
    readonly follow?: boolean;
  }
  return withServer(
    new Command('jobs')
      .description('redrives and discards: list, follow, pause, resume, stop')
      .argument('[job]', 'one of them')
      .argument('[change]', 'pause, resume or stop'),
  )
    .option('--follow', 'stay until it has ended')
    .action(async (jobId: string | undefined, change: string | undefined, options: Options) => {
      const client = control(options);
      if (jobId === undefined) {
        const { jobs } = await client.get<{ jobs: Job[] }>('jobs');
        if (options.json) return printJson({ jobs });
        return printLine(jobs.length === 0 ? 'no jobs' : formatJobs(jobs));
      }
      if (change !== undefined && !['pause', 'resume', 'stop'].includes(change)) {
        throw new CliFailure(`expected pause, resume or stop, found '${change}'`, EXIT.usage);
      }
      const job =
        change === undefined
          ? await client.get<Job>(`jobs/${jobId}`)
          : await client.send<Job>('POST', `jobs/${jobId}/${change}`);
      return followJob(client, job, { ...options, detach: !options.follow });
    });
}

function control(options: ServerOptions): ControlClient {
  return createControlClient(endpointOf(options));
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new CliFailure(`${file}: ${(cause as Error).message}`, EXIT.usage, { cause });
  }
}

function limitOf({ limit }: { readonly limit: string }): number {
  return Math.floor(positive('--limit', limit));
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new CliFailure(`${flag}: expected a number above 0, found '${text}'`, EXIT.usage);
  }
  return value;
}

/** `20%`, `20` and `0.2` all mean a fifth. */
function shareOf(text: string): number {
  const value = Number(text.replace(/\s*%$/, ''));
  const share = text.includes('%') || value > 1 ? value / 100 : value;
  if (!(share >= 0 && share <= 1)) {
    throw new CliFailure(`--stop-above: expected a share such as 20%, found '${text}'`, EXIT.usage);
  }
  return share;
}
