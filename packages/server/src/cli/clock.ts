/** `redrive clock`: the server's time, and moving it when it is virtual. */
import { Command } from 'commander';
import { parseDuration } from '../platform/duration.ts';
import { createClient } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { CliFailure, EXIT } from './failure.ts';
import { formatInstant, printJson, printLine } from './output.ts';

export function clockCommand(): Command {
  const command = new Command('clock').description("the server's clock");
  command.addCommand(
    withServer(new Command('now').description('show the time')).action(async (options: ServerOptions) => {
      const clock = await createClient(endpointOf(options)).readClock();
      if (options.json) return printJson(clock);
      printLine(`${formatInstant(clock.now)} (${clock.virtual ? 'virtual' : 'real'})`);
    }),
  );
  command.addCommand(
    withServer(
      new Command('advance')
        .description('move a virtual clock; returns when everything that fell due has run')
        .argument('<duration>', '90s, 3m, 1h30m, 2d …'),
    ).action(async (by: string, options: ServerOptions) => {
      if (parseDuration(by) === undefined) {
        throw new CliFailure(`expected a duration such as 90s, 3m or 1h30m, found '${by}'`, EXIT.usage);
      }
      const clock = await createClient(endpointOf(options)).advanceClock(by);
      if (options.json) return printJson(clock);
      printLine(formatInstant(clock.now));
    }),
  );
  return command;
}
