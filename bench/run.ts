/**
 * The bench: every figure of Redrive beside what it is held against, measured on the same machine in the same
 * run, in turns, medians of several rounds.
 */
import { mkdir } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { printTable, type Row } from './lib/figures.ts';
import { measureFsync } from './lib/fsync.ts';
import { accept } from './sections/accept.ts';
import { backlog } from './sections/backlog.ts';
import { events } from './sections/events.ts';
import { latency } from './sections/latency.ts';
import type { Section, Settings } from './sections/section.ts';

const SECTIONS: Readonly<Record<string, Section>> = { accept, events, latency, backlog };

const USAGE = `npm run bench -- [options]
  --only A,B       sections: ${Object.keys(SECTIONS).join(', ')} (default: all)
  --rounds N       interleaved rounds (default 5)
  --seconds N      length of a timed round (default 3)
  --events N       events of a counted round (default 20000)
  --pending N      size of the backlog (default 1000000)
  --connections N  concurrent callers (default 64)
  --quick          2 short rounds, a backlog of 50000: is it all working?
  --profile DIR    writes CPU profiles of the servers`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    events: { type: 'string' },
    pending: { type: 'string' },
    connections: { type: 'string' },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const { quick } = values;
const settings: Settings = {
  rounds: Number(values.rounds ?? (quick ? 2 : 5)),
  roundMs: Number(values.seconds ?? (quick ? 1 : 3)) * 1000,
  events: Number(values.events ?? (quick ? 4_000 : 20_000)),
  pending: Number(values.pending ?? (quick ? 50_000 : 1_000_000)),
  connections: Number(values.connections ?? 64),
  payloadBytes: 1_024,
  profileDir: values.profile,
};
if (settings.profileDir !== undefined) await mkdir(settings.profileDir, { recursive: true });

const chosen = values.only?.split(',') ?? Object.keys(SECTIONS);
const rows: Row[] = [];
for (const name of chosen) {
  const section = SECTIONS[name];
  if (!section) {
    console.error(
      `--only: expected some of ${Object.keys(SECTIONS).join(', ')}, found '${name}'\n\n${USAGE}`,
    );
    process.exit(2);
  }
  console.error(`${name} …`);
  rows.push(...(await section(settings)));
}
const fsync = await measureFsync();
console.log(
  `\n${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}; ` +
    `one appended 4 KiB fsync takes ${fsync.toFixed(2)} ms here; payloads of ${settings.payloadBytes} bytes\n`,
);
printTable(rows);
