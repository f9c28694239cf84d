/** `redrive metrics`: which metrics there are, or one of them over time. */
import { Command } from 'commander';
import { createClient } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { sinceMs } from './events.ts';
import { CliFailure, EXIT } from './failure.ts';
import { formatInstant, formatTable, printJson, printLine } from './output.ts';

interface Options extends ServerOptions {
  readonly stat: string;
  readonly since: string;
  readonly period: string;
  readonly dimension: readonly string[];
}

interface Dimension {
  readonly Name: string;
  readonly Value: string;
}

export function metricsCommand(): Command {
  return withServer(
    new Command('metrics')
      .description('list metrics, or show one over time')
      .argument('[namespace]', 'AWS/Lambda, AWS/SQS or your own')
      .argument('[name]', 'metric to show, such as Errors'),
  )
    .option('--stat <statistic>', 'Sum, Average, Maximum, p99 …', 'Sum')
    .option('--since <duration>', 'points of the last 1h, 2d …', '1h')
    .option('--period <seconds>', 'length of a point', '60')
    .option('-d, --dimension <name=value>', 'repeat for several', collect, [])
    .action(async (namespace: string | undefined, name: string | undefined, options: Options) => {
      const client = createClient(endpointOf(options));
      if (namespace === undefined || name === undefined) {
        const found: { Namespace: string; MetricName: string; Dimensions: Dimension[] }[] = [];
        let token: string | undefined;
        do {
          const page = (await client.callAws('cloudwatch', 'ListMetrics', {
            Namespace: namespace,
            NextToken: token,
          })) as {
            Metrics: typeof found;
            NextToken?: string;
          };
          found.push(...page.Metrics);
          token = page.NextToken;
        } while (token);
        if (options.json) return printJson({ metrics: found });
        if (found.length === 0) return printLine('no metrics');
        const rows = found.map((metric) => [
          metric.Namespace,
          metric.MetricName,
          formatDimensions(metric.Dimensions),
        ]);
        return printLine(formatTable(['NAMESPACE', 'METRIC', 'DIMENSIONS'], rows));
      }
      const { now } = await client.readClock();
      const answer = (await client.callAws('cloudwatch', 'GetMetricData', {
        StartTime: (now - sinceMs(options.since)) / 1000,
        EndTime: now / 1000 + 1,
        ScanBy: 'TimestampAscending',
        MetricDataQueries: [
          {
            Id: 'm',
            MetricStat: {
              Metric: {
                Namespace: namespace,
                MetricName: name,
                Dimensions: options.dimension.map(readDimension),
              },
              Period: readPeriod(options.period),
              Stat: options.stat,
            },
          },
        ],
      })) as { MetricDataResults: { Timestamps: number[]; Values: number[] }[] };
      const [result] = answer.MetricDataResults;
      if (options.json) return printJson(result);
      if (!result || result.Values.length === 0) return printLine('no data');
      printLine(
        formatTable(
          ['TIME', options.stat.toUpperCase()],
          result.Values.map((value, index) => [
            formatInstant((result.Timestamps[index] as number) * 1000),
            String(Number(value.toFixed(4))),
          ]),
        ),
      );
    });
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

function readDimension(text: string): Dimension {
  const equals = text.indexOf('=');
  if (equals < 1) throw new CliFailure(`--dimension: expected name=value, found '${text}'`, EXIT.usage);
  return { Name: text.slice(0, equals), Value: text.slice(equals + 1) };
}

function readPeriod(text: string): number {
  const period = Number(text);
  if (!Number.isInteger(period) || period < 1) {
    throw new CliFailure(`--period: expected seconds, found '${text}'`, EXIT.usage);
  }
  return period;
}

function formatDimensions(dimensions: readonly Dimension[]): string {
  return dimensions.map(({ Name, Value }) => `${Name}=${Value}`).join(' ');
}
