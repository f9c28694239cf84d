/**
 * `redrive verify`: do the books balance? Every accepted event has exactly one fate or is pending.
 * Asks a running server for its ledger, or recounts the rows of a stopped server's data folder.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { AuditReport } from '../store/store.ts';
import { createClient, type LedgerInfo } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { CliFailure, EXIT } from './failure.ts';
import { formatTable, printJson, printLine } from './output.ts';

interface Options extends ServerOptions {
  readonly data?: string;
}

export function verifyCommand(): Command {
  return withServer(
    new Command('verify').description('prove from the store that every accepted event is accounted for'),
  )
    .option('--data <dir>', "recount a stopped server's data folder instead of asking a running one")
    .addHelpText('after', '\nExit codes: 0 the books balance, 1 they do not, 2 wrong usage, 3 no server')
    .action(async (options: Options) => {
      if (options.data !== undefined) return verifyOffline(resolve(options.data), options);
      const proof = await createClient(endpointOf(options)).verifyLedger();
      if (options.json) printJson(proof);
      else printLine(formatLedger(proof.ledger));
      const { unaccounted } = proof.ledger;
      const problems = problemsOf(proof);
      if (unaccounted !== 0) problems.unshift(`${unaccounted} events are unaccounted for`);
      if (problems.length > 0 || !proof.balanced) throw new CliFailure(problems.join('\n') || 'not balanced');
    });
}

async function verifyOffline(dataDir: string, options: Options): Promise<void> {
  if (!existsSync(dataDir))
    throw new CliFailure(`--data: expected a data folder, found nothing at ${dataDir}`, EXIT.usage);
  const { openDataFolder } = await import('./data-folder.ts');
  const report = await openDataFolder(dataDir, (store) => store.audit());
  if (options.json) printJson(report);
  else printLine(formatAudit(report));
  const problems = problemsOf(report);
  if (problems.length > 0) throw new CliFailure(problems.join('\n'));
}

function formatLedger(ledger: LedgerInfo): string {
  return formatTable(
    ['BOOKS', ''],
    [
      ['accepted', String(ledger.accepted)],
      ...Object.entries(ledger.fates).map(([fate, count]) => [`  ${fate}`, String(count)]),
      ['  pending', String(ledger.pending)],
      ['unaccounted', String(ledger.unaccounted)],
    ],
  );
}

function formatAudit(report: AuditReport): string {
  const settled = Object.entries(report.statuses).filter(([status]) => status !== 'Pending');
  return formatTable(
    ['BOOKS', ''],
    [
      ['accepted', String(report.accepted)],
      ...settled.map(([status, count]) => [`  ${status}`, String(count)]),
      ['  pending', String(report.pending)],
      ['lost', String(report.lost.count)],
    ],
  );
}

function problemsOf(report: Pick<AuditReport, 'lost' | 'drift'>): string[] {
  const problems: string[] = [];
  if (report.lost.count > 0) {
    problems.push(
      `${report.lost.count} events are pending but in no queue, such as ${report.lost.examples.join(', ')}`,
    );
  }
  for (const { counter, stored, counted } of report.drift) {
    problems.push(`counter ${counter}: stored ${stored}, counted ${counted}`);
  }
  return problems;
}
