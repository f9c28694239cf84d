/**
 * `redrive start`: one process until a signal ends it. The ready line is the only thing on stdout;
 * the first SIGTERM or SIGINT drains, a second one exits at once.
 */
import { existsSync, statSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Config, FLAGS, type Flags, readConfig } from '../config.ts';
import { createClient } from './client.ts';
import { CliFailure, EXIT } from './failure.ts';
import { printLine, remark } from './output.ts';

const TEMPLATE_NAMES = ['template.yaml', 'template.yml', 'template.json'];

export function startCommand(): Command {
  const command = new Command('start')
    .description('start a server, and deploy templates before it says that it is ready')
    .argument('[template...]', 'SAM templates, or folders with a template.yaml');
  for (const { flag, placeholder, default: fallback, meaning } of FLAGS) {
    command.option(
      placeholder ? `--${flag} <${placeholder}>` : `--${flag}`,
      `${meaning} (default: ${fallback})`,
    );
  }
  return command.action(async (templates: string[], flags: Flags) => {
    const result = readConfig(flags, templates, process.env, process.cwd());
    if (result.kind === 'invalid') throw new CliFailure(result.problems.join('\n'), EXIT.usage);
    await serve({ ...result.config, templates: result.config.templates.map(findTemplate) });
  });
}

/** The template itself, or the one in a folder. */
function findTemplate(path: string): string {
  if (!existsSync(path))
    throw new CliFailure(`${path}: expected a template or a folder, found nothing`, EXIT.usage);
  if (!statSync(path).isDirectory()) return path;
  const name = TEMPLATE_NAMES.find((candidate) => existsSync(join(path, candidate)));
  if (!name) {
    throw new CliFailure(`${path}: expected a ${TEMPLATE_NAMES.join(' or ')} in it, found none`, EXIT.usage);
  }
  return join(path, name);
}

async function serve(config: Config): Promise<void> {
  // Loaded here so that the other commands start fast.
  const { startServer } = await import('../server.ts');
  let stop: (() => Promise<void>) | undefined;
  let stopping = false;
  const onSignal = (signal: string) => {
    if (stopping) process.exit(EXIT.failed);
    stopping = true;
    remark(`${signal}: finishing what is under way; once more exits at once`);
    // Before the server is up there is nothing to drain: what it has committed is on disk.
    if (!stop) process.exit(0);
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        remark(`redrive: stopping failed: ${String(error)}`);
        process.exit(EXIT.failed);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);

  const server = await startServer(config).catch((error: unknown) => {
    throw explain(error, config);
  });
  stop = () => server.stop();
  printLine(`redrive ready endpoint=${server.endpoint} console=${server.console}`);
  // Node keeps it at a regular exit only, and a server may never have one.
  flushCompileCache();
  await suggest(server.endpoint, config);
}

/** Errors of the surroundings in words; anything else is a bug and keeps its stack. */
function explain(error: unknown, config: Config): unknown {
  const { code, name, message } = error as { code?: string; name?: string; message?: string };
  if (code === 'EADDRINUSE') {
    return new CliFailure(
      `--port: ${config.host}:${config.port} is taken by another process; stop it or choose another port (0 picks a free one)`,
      EXIT.usage,
      { cause: error },
    );
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES') {
    return new CliFailure(`--host, --port, --data: ${message}`, EXIT.usage, { cause: error });
  }
  if (name === 'TemplateError') return new CliFailure(message ?? '', EXIT.usage, { cause: error });
  return error;
}

/** Three commands to try, on stderr; nothing when there is no function yet. */
async function suggest(endpoint: string, config: Config): Promise<void> {
  if (config.templates.length === 0 || config.auth === 'keys') return;
  const functions = await createClient(endpoint).listFunctions();
  const name = functions[0]?.FunctionName;
  if (!name) return;
  const at = new URL(endpoint).port === '4566' ? '' : ` --endpoint ${endpoint}`;
  remark(
    [
      '',
      'Three commands to try in another terminal:',
      `  npx redrive invoke ${name} --payload '{"id": "1"}' --follow${at}`,
      `  npx redrive events${at}`,
      `  npx redrive aws${at} lambda list-functions --query 'Functions[].FunctionName'`,
      '',
    ].join('\n'),
  );
}
