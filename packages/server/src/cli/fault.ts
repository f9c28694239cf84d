/** `redrive fault`: make a running server's parts fail on command, see what acts, and lift it. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { parse } from 'yaml';
import { FAULT_EFFECTS } from '../domain/fault-rule.ts';
import { createControlClient } from './control-client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { CliFailure, EXIT } from './failure.ts';
import { formatTable, printJson, printLine, remark } from './output.ts';

interface Fault {
  readonly id: string;
  readonly target: string;
  readonly effect: string;
  readonly seen: number;
  readonly acted: number;
  readonly [condition: string]: unknown;
}

interface AddOptions extends ServerOptions {
  readonly file?: string;
  readonly id?: string;
  readonly errorType?: string;
  readonly errorMessage?: string;
  readonly exitCode?: string;
  readonly delay?: string;
  readonly probability?: string;
  readonly first?: string;
  readonly every?: string;
  readonly after?: string;
  readonly for?: string;
  readonly payload?: string;
}

const CONDITIONS = ['probability', 'first', 'every', 'from', 'until', 'payload', 'requestId'];

export function faultCommand(): Command {
  const command = new Command('fault').description('make parts of a running server fail on command');
  const effects = Object.entries(FAULT_EFFECTS)
    .map(([kind, names]) => `  ${kind}: ${names.join(', ')}`)
    .join('\n');
  command.addCommand(
    withServer(
      new Command('add')
        .description('set a rule, or those of a file')
        .argument('[target]', 'api:sqs:SendMessage, function:NAME, queue:NAME, topic:NAME, store, process')
        .argument('[effect]', 'what happens to it')
        .option('-f, --file <path>', 'YAML or JSON: a rule or a list of rules')
        .option('--id <id>', 'name of the rule; a rule of that name is replaced')
        .option('--error-type <type>', 'of an exception or a failing init')
        .option('--error-message <text>', 'of an exception or a failing init')
        .option('--exit-code <n>', 'of an exit')
        .option('--delay <duration>', 'of latency, delay, slowDisk and freeze')
        .option('--probability <p>', 'acts on a part of the occasions: 0.2')
        .option('--first <n>', 'acts on the first n occasions')
        .option('--every <n>', 'acts on every n-th occasion')
        .option('--after <duration>', 'begins so much later')
        .option('--for <duration>', 'ends so long after it began')
        .option('--payload <pattern>', 'event pattern (JSON) over event, message body or input')
        .addHelpText('after', `\nEffects by kind of target:\n${effects}`),
    ).action(async (target: string | undefined, effect: string | undefined, options: AddOptions) => {
      const rules = options.file === undefined ? [readRule(target, effect, options)] : readFile(options.file);
      const client = createControlClient(endpointOf(options));
      const added: Fault[] = [];
      for (const rule of rules) added.push(await client.send<Fault>('POST', 'faults', rule));
      if (options.json) return printJson({ faults: added });
      for (const fault of added) printLine(fault.id);
    }),
  );
  command.addCommand(
    withServer(new Command('list').description('the rules, and how often each acted')).action(
      async (options: ServerOptions) => {
        const client = createControlClient(endpointOf(options));
        const { faults } = await client.get<{ faults: Fault[] }>('faults');
        if (options.json) return printJson({ faults });
        if (faults.length === 0) return printLine('no faults');
        printLine(
          formatTable(
            ['ID', 'TARGET', 'EFFECT', 'ACTED', 'WHEN'],
            faults.map((fault) => [
              fault.id,
              fault.target,
              fault.effect,
              `${fault.acted} of ${fault.seen}`,
              formatConditions(fault),
            ]),
          ),
        );
      },
    ),
  );
  command.addCommand(
    withServer(
      new Command('remove')
        .description('lift rules')
        .argument('[id...]', 'as listed')
        .option('--all', 'lift all of them'),
    ).action(async (ids: string[], options: ServerOptions & { readonly all?: boolean }) => {
      if (ids.length === 0 && !options.all) {
        throw new CliFailure('expected ids of faults, or --all', EXIT.usage);
      }
      const client = createControlClient(endpointOf(options));
      if (options.all) await client.open('faults', { method: 'DELETE' });
      for (const id of ids) await client.open(`faults/${encodeURIComponent(id)}`, { method: 'DELETE' });
      remark(options.all ? 'no fault acts any more' : `lifted ${ids.join(', ')}`);
    }),
  );
  return command;
}

function readRule(target: string | undefined, effect: string | undefined, options: AddOptions): object {
  if (target === undefined || effect === undefined) {
    throw new CliFailure('expected a target and an effect, or --file', EXIT.usage);
  }
  const { id, errorType, errorMessage, delay, after, for: lasts } = options;
  return {
    target,
    effect,
    id,
    errorType,
    errorMessage,
    delay,
    after,
    for: lasts,
    exitCode: readNumber('exit-code', options.exitCode),
    probability: readNumber('probability', options.probability),
    first: readNumber('first', options.first),
    every: readNumber('every', options.every),
    payload: readPattern(options.payload),
  };
}

function readNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) {
    throw new CliFailure(`--${flag}: expected a number, found '${text}'`, EXIT.usage);
  }
  return value;
}

function readPattern(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliFailure(`--payload: expected JSON, found '${text}'`, EXIT.usage, { cause });
  }
}

function readFile(path: string): unknown[] {
  try {
    const value = parse(readFileSync(path, 'utf8')) as unknown;
    return Array.isArray(value) ? value : [value];
  } catch (cause) {
    throw new CliFailure(`${path}: ${(cause as Error).message}`, EXIT.usage, { cause });
  }
}

function formatConditions(fault: Fault): string {
  const parts = CONDITIONS.flatMap((name) => {
    const value = fault[name];
    if (value === undefined) return [];
    const shown = name === 'from' || name === 'until' ? new Date(Number(value)).toISOString() : String(value);
    return [`${name} ${shown}`];
  });
  return parts.length === 0 ? 'always' : parts.join(', ');
}
