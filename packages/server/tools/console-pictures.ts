/** Pictures of every page of the console, in both schemes, for docs/console: `node tools/console-pictures.ts`. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { openPage } from '../test/support/browser.ts';
import type { Cleanup } from '../test/support/cleanup.ts';
import { startNight } from '../test/support/night.ts';

const FOLDER = fileURLToPath(new URL('../../../docs/console/', import.meta.url));

const ends: (() => unknown)[] = [];
const life: Cleanup = { after: (end: unknown) => void ends.push(end as () => unknown) } as Cleanup;

try {
  await mkdir(FOLDER, { recursive: true });
  const night = await startNight(life, { letters: 30 });
  const { groups } = await night.api.get('/dead-letters/payments-dead/groups');
  const group = groups[0].fingerprint;
  const { messages } = await night.api.get(`/dead-letters/payments-dead/messages?group=${group}`);
  const edited = await night.api.put(`/dead-letters/payments-dead/messages/${messages[1].ref}/payload`, {
    payload: JSON.stringify({ ...JSON.parse(messages[1].preview), lines: [{ sku: 'B-7', count: 2 }] }),
  });
  const { jobId } = await night.api.post(
    '/dead-letters/payments-dead/redrive',
    { selection: { kind: 'messages', refs: [messages[2].ref, messages[3].ref] } },
    202,
  );
  await night.control.advance('2s');
  await night.api.get(`/jobs/${jobId}`);
  const event = messages[2].requestId;
  const pages: [name: string, path: string, before?: (page: Page) => Promise<unknown>][] = [
    ['overview', ''],
    ['events', 'events'],
    ['event', `events/${event}`],
    ['dead-letters', 'dead-letters'],
    ['workbench', `dead-letters/payments-dead?group=${group}`],
    [
      'redrive',
      `dead-letters/payments-dead?group=${group}`,
      (page) => page.getByRole('button', { name: 'Redrive…' }).nth(1).click(),
    ],
    [
      'letter',
      `dead-letters/payments-dead/${edited.ref}`,
      (page) => page.getByRole('button', { name: 'Try', exact: true }).click(),
    ],
    ['functions', 'functions'],
    ['function', 'functions/payments-charge'],
    ['queues', 'queues'],
    ['queue', 'queues/receipts'],
    ['topics', 'topics'],
    ['alarms', 'alarms?name=payments-charge-errors'],
    ['logs', 'logs?group=/aws/lambda/payments-charge'],
    ['redrives', 'jobs'],
    ['audit', 'audit'],
  ];
  for (const scheme of ['light', 'dark'] as const) {
    const { page, complaints } = await openPage(life, night.console, { scheme });
    for (const [name, path, before] of pages) {
      await page.goto(`${night.console}${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      await before?.(page);
      // Time for fonts, charts and what a click brought; a picture needs no more certainty.
      await page.waitForTimeout(700);
      await page.screenshot({ path: `${FOLDER}${name}-${scheme}.png` });
    }
    if (complaints.length > 0) process.stderr.write(`${scheme}: ${complaints.join('\n')}\n`);
  }
} finally {
  for (const end of ends.reverse()) await end();
}
