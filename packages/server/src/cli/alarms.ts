/** `redrive alarms`: every alarm, its state, since when and why. Exit code 1 with --check when one is in ALARM. */
import { Command } from 'commander';
import { createClient } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { CliFailure } from './failure.ts';
import { formatInstant, formatTable, printJson, printLine } from './output.ts';

interface Options extends ServerOptions {
  readonly check?: boolean;
}

interface Alarm {
  readonly AlarmName: string;
  readonly StateValue: string;
  readonly StateReason: string;
  /** Epoch seconds. */
  readonly StateTransitionedTimestamp: number;
}

export function alarmsCommand(): Command {
  return withServer(
    new Command('alarms')
      .description('list alarms and their states')
      .argument('[prefix]', 'only names that start so'),
  )
    .option('--check', 'exit with 1 when an alarm is in the state ALARM')
    .action(async (prefix: string | undefined, options: Options) => {
      const client = createClient(endpointOf(options));
      const alarms: Alarm[] = [];
      let token: string | undefined;
      do {
        const page = (await client.callAws('cloudwatch', 'DescribeAlarms', {
          AlarmNamePrefix: prefix,
          AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
          NextToken: token,
        })) as { MetricAlarms: Alarm[]; CompositeAlarms: Alarm[]; NextToken?: string };
        alarms.push(...page.MetricAlarms, ...page.CompositeAlarms);
        token = page.NextToken;
      } while (token);
      const ringing = alarms.filter(({ StateValue }) => StateValue === 'ALARM');
      if (options.json) printJson({ alarms });
      else if (alarms.length === 0) printLine('no alarms');
      else {
        printLine(
          formatTable(
            ['ALARM', 'STATE', 'SINCE', 'REASON'],
            alarms.map((alarm) => [
              alarm.AlarmName,
              alarm.StateValue,
              formatInstant(alarm.StateTransitionedTimestamp * 1000),
              alarm.StateReason,
            ]),
          ),
        );
      }
      if (options.check && ringing.length > 0) {
        throw new CliFailure(`in ALARM: ${ringing.map(({ AlarmName }) => AlarmName).join(', ')}`);
      }
    });
}
