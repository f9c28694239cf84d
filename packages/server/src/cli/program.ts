/** The command line: the table of commands, and how failures become exit codes. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { alarmsCommand } from './alarms.ts';
import { awsCommand } from './aws.ts';
import { clockCommand } from './clock.ts';
import { completionCommand } from './completion.ts';
import { dlqCommand } from './dlq.ts';
import { doctorCommand } from './doctor.ts';
import { eventsCommand } from './events.ts';
import { CliFailure, EXIT } from './failure.ts';
import { faultCommand } from './fault.ts';
import { invokeCommand } from './invoke.ts';
import { logsCommand } from './logs.ts';
import { metricsCommand } from './metrics.ts';
import { remark } from './output.ts';
import { queuesCommand } from './queues.ts';
import { startCommand } from './start.ts';
import { testCommand } from './test.ts';
import { verifyCommand } from './verify.ts';

function createProgram(): Command {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
    description: string;
  };
  const program = new Command('redrive')
    .description(manifest.description)
    .version(manifest.version)
    .enablePositionalOptions()
    .showHelpAfterError('(redrive --help lists the commands and options)');
  for (const command of [
    startCommand(),
    invokeCommand(),
    eventsCommand(),
    dlqCommand(),
    queuesCommand(),
    logsCommand(),
    metricsCommand(),
    alarmsCommand(),
    verifyCommand(),
    clockCommand(),
    faultCommand(),
    testCommand(),
    doctorCommand(),
    awsCommand(),
    completionCommand(createProgram),
  ]) {
    program.addCommand(command);
  }
  exitByThrowing(program);
  return program;
}

/** Commander would end the process itself; subcommands inherit nothing, so each is told. */
function exitByThrowing(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) exitByThrowing(child);
}

/** Runs one command line (without node and script); resolves with the exit code. Never rejects. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander has said what is wrong itself; help and version come here with code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
    if (error instanceof CliFailure) {
      for (const line of error.message.split('\n')) remark(`redrive: ${line}`);
      return error.exitCode;
    }
    remark(`redrive: unexpected: ${error instanceof Error ? error.stack : String(error)}`);
    return EXIT.failed;
  }
}
