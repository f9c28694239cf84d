/** The console in a real browser over a real server: the night-time story, live, by keyboard alone, and at its worst. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { openPage, withoutBrowser } from '../support/browser.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { startNight } from '../support/night.ts';
import { startInProcess } from '../support/server-inside.ts';

const skip = withoutBrowser;
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** What a first load may weigh on the wire, and how long it may take until something can be done. */
const FIRST_LOAD_BYTES = 300 * 1024;
const INTERACTIVE_MS = 3_000;

/** Moves the clock while waiting: what is due must run for the page to change. */
async function settle(
  advance: () => Promise<unknown>,
  done: () => Promise<boolean>,
  what: string,
): Promise<void> {
  await eventually(
    async () => {
      await advance();
      return done();
    },
    { timeoutMs: 30_000, everyMs: 200, what },
  );
}

test('from the alarm to the redriven event', { skip }, async (t) => {
  const night = await startNight(t);
  const { page, complaints } = await openPage(t, night.console);
  await page.getByRole('heading', { level: 1, name: /things need attention/ }).waitFor();
  await page.getByRole('link', { name: 'Alarm: payments-charge-errors' }).click();
  await page.getByText('Alarm updated from', { exact: false }).first().waitFor();
  await page.goBack();
  await page.getByRole('link', { name: 'payments-dead', exact: true }).first().click();
  await page.getByRole('heading', { level: 1, name: 'payments-dead' }).waitFor();
  await page.getByRole('button', { name: 'TypeError: order A-# has no lines' }).click();
  await page
    .getByRole('link', { name: /^[0-9a-f-]{36}$/ })
    .first()
    .click();
  await page.getByRole('heading', { level: 1, name: 'TypeError: order A-1000 has no lines' }).waitFor();

  // The payload is mended and tried before anything is sent.
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  const editor = page.getByRole('textbox', { name: 'Payload', exact: true });
  await editor.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText('{"orderId": "A-1000", "amount": 19.9, "lines": [1]}');
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  await page.getByText('It works').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Payload, and what was changed').waitFor();
  await page.getByText('edited', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'Redrive…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Redrive it' }).click();
  await page.getByRole('heading', { level: 1, name: 'payments-dead' }).waitFor();
  await settle(
    () => night.control.advance('1s'),
    () => page.getByText('Completed').first().isVisible(),
    'the end of the job',
  );

  // The event tells the whole story.
  const { entries } = await night.api.get('/audit');
  const { requestId, as } = entries.find(({ action }: { action: string }) => action === 'redrive');
  await page.keyboard.press('/');
  await page.keyboard.type(requestId);
  await page.keyboard.press('Enter');
  await page.getByText('with an edited payload').waitFor();
  await page.getByRole('link', { name: as }).click();
  await page.getByRole('heading', { level: 1, name: as }).waitFor();
  await page.getByText('Succeeded').first().waitFor();
  await page.getByRole('link', { name: 'Audit trail' }).click();
  await page.getByText('Edited a payload').waitFor();
  assert.match(await page.getByRole('main').innerText(), /\+ +"lines": \[/);
  assert.deepEqual(complaints, []);
});

test('what happens is shown as it happens', { skip }, async (t) => {
  const night = await startNight(t, { letters: 1 });
  const { page } = await openPage(t, `${night.console}dead-letters/payments-dead`);
  await page.getByText('1 dead letter ·').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await night.invoke({ orderId: 'A-9', card: 'expired', lines: [1] });
  await settle(
    () => night.control.advance('4m'),
    () => page.getByText('CardExpired: card A-# is expired').isVisible(),
    'the new group',
  );
});

test('everything can be done from the keyboard', { skip }, async (t) => {
  const night = await startNight(t, { letters: 4 });
  await night.fix();
  const { page } = await openPage(t, night.console);
  await page.getByRole('heading', { level: 1 }).waitFor();
  const focused = () =>
    page.evaluate(
      'document.activeElement?.textContent || document.activeElement?.getAttribute("aria-label") || ""',
    );
  const tabTo = async (wanted: RegExp, steps = 60) => {
    for (let i = 0; i < steps; i++) {
      await page.keyboard.press('Tab');
      if (wanted.test(String(await focused()))) return;
    }
    assert.fail(`no Tab leads to ${wanted}`);
  };
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await page.getByRole('heading', { level: 1, name: 'Dead letters' }).waitFor();
  await page.getByRole('link', { name: 'payments-dead' }).waitFor();
  await tabTo(/^payments-dead$/);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /TypeError/ }).waitFor();
  await tabTo(/^TypeError/);
  await page.keyboard.press('Enter');
  await page.getByRole('checkbox', { name: 'Mark all that are shown' }).waitFor();
  await tabTo(/^Mark all that are shown$/);
  await page.keyboard.press('Space');
  await tabTo(/^Redrive…$/);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await tabTo(/^Redrive \d+$/);
  await page.keyboard.press('Enter');
  await settle(
    () => night.control.advance('1s'),
    () => page.getByText('Completed').first().isVisible(),
    'the end of the job',
  );
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
});

test('every page passes axe in both schemes, and keeps to the security policy', { skip }, async (t) => {
  const night = await startNight(t, { letters: 6 });
  const { groups } = await night.api.get('/dead-letters/payments-dead/groups');
  const { messages } = await night.api.get('/dead-letters/payments-dead/messages');
  await night.api.post(
    '/dead-letters/payments-dead/discard',
    {
      selection: { kind: 'messages', refs: [messages[5].ref] },
      reason: 'a drill',
    },
    202,
  );
  const paths = [
    '',
    'events',
    'events?text=nothing-has-this',
    `events/${messages[0].requestId}`,
    'dead-letters',
    `dead-letters/payments-dead?group=${groups[0].fingerprint}`,
    `dead-letters/payments-dead/${messages[0].ref}`,
    'dead-letters/receipts',
    'functions',
    'functions/payments-charge',
    'queues',
    'queues/receipts',
    'topics',
    'alarms?name=payments-charge-errors',
    'logs',
    'jobs',
    'audit',
    'no-such-page',
  ];
  const axe = await readFile(AXE, 'utf8');
  for (const scheme of ['light', 'dark'] as const) {
    const { page, complaints } = await openPage(t, night.console, { scheme });
    for (const path of paths) {
      await page.goto(`${night.console}${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      await page.evaluate(axe);
      const violations = (await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).join(' | ')))",
      )) as string[];
      assert.deepEqual(violations, [], `/${path} in ${scheme}`);
    }
    assert.deepEqual(complaints, [], scheme);
  }
});

test('the first load is small and soon of use', { skip }, async (t) => {
  const night = await startNight(t, { letters: 2 });
  const { page } = await openPage(t, 'about:blank');
  const sizes: Promise<number>[] = [];
  page.on('response', (response) => {
    if (!response.url().includes('/api/'))
      sizes.push(
        response
          .request()
          .sizes()
          .then((size) => size.responseBodySize),
      );
  });
  const began = performance.now();
  await page.goto(night.console);
  await page.getByRole('heading', { level: 1, name: /need/ }).waitFor();
  const interactiveMs = performance.now() - began;
  await page.waitForLoadState('networkidle').catch(() => undefined);
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  t.diagnostic(`first load ${Math.round(bytes / 1024)} KB, of use after ${Math.round(interactiveMs)} ms`);
  assert.ok(bytes > 50_000 && bytes < FIRST_LOAD_BYTES, `${bytes} bytes`);
  assert.ok(interactiveMs < INTERACTIVE_MS, `${interactiveMs} ms`);
});

async function runsScripts(page: Page): Promise<boolean> {
  return page.evaluate('"hacked" in globalThis') as Promise<boolean>;
}

test('hostile payloads are only ever text, and the page stays usable', { skip }, async (t) => {
  const night = await startNight(t, { letters: 1 });
  const script = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>';
  const deep = `${'['.repeat(9_000)}${']'.repeat(9_000)}`;
  const payloads: [name: string, payload: unknown][] = [
    ['script', { orderId: script, html: script, '</pre>': '{{constructor}}' }],
    ['long', { orderId: 'long', text: 'x'.repeat(900_000) }],
    ['unicode', { orderId: '\u202e\u0000\ufffd\ud83d', rtl: '\u202eabc' }],
  ];
  for (const [, payload] of payloads) await night.invoke(payload);
  const deepId = await night.lambda
    .send(
      new (await import('@aws-sdk/client-lambda')).InvokeCommand({
        FunctionName: 'payments-charge',
        InvocationType: 'Event',
        Payload: Buffer.from(deep),
      }),
    )
    .then((answer) => answer.$metadata.requestId as string);
  await night.control.advance('4m');
  const { page, complaints } = await openPage(t, `${night.console}dead-letters/payments-dead`);
  page.on('dialog', () => assert.fail('a dialog was opened'));
  const { messages } = await night.api.get('/dead-letters/payments-dead/messages?limit=100');
  for (const { ref } of messages) {
    await page.goto(`${night.console}dead-letters/payments-dead/${ref}`);
    await page.getByRole('region', { name: 'Payload' }).waitFor();
    assert.equal(await runsScripts(page), false);
    const began = performance.now();
    await page.getByRole('link', { name: 'Queues' }).click();
    await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
    assert.ok(performance.now() - began < 3_000, 'the page does not answer');
  }
  await page.goto(`${night.console}events/${deepId}`);
  await page.getByRole('region', { name: 'Payload' }).waitFor();
  await page.goto(`${night.console}dead-letters/payments-dead`);
  await page
    .getByRole('button', { name: /img src/ })
    .first()
    .click();
  assert.equal(await runsScripts(page), false);
  assert.deepEqual(complaints, []);
});

test('a queue of ten thousand is worked on without a wait', { skip }, async (t) => {
  const night = await startNight(t, { letters: 1 });
  const lines = Array.from({ length: 10_000 }, (_, n) => JSON.stringify({ body: `{"n":${n}}` }));
  await fetch(`${night.endpoint}/_redrive/api/dead-letters/import-dead/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });
  const { page } = await openPage(t, `${night.console}dead-letters/import-dead`);
  await page.getByRole('button', { name: /Nothing is known/ }).click();
  await page.getByText('50 of 10,000 shown').waitFor();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByText('100 of 10,000 shown').waitFor();
});

test('where keys are asked for: login, roles, and nothing on a cookie alone', { skip }, async (t) => {
  const server = await startInProcess(t, { auth: 'keys' });
  const file = await readFile(join(server.config.dataDir, 'credentials'), 'utf8');
  const key = (section: string) => {
    const part = file.slice(file.indexOf(`[${section}]`));
    const read = (name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(part)?.[1] as string;
    return { accessKeyId: read('aws_access_key_id'), secretAccessKey: read('aws_secret_access_key') };
  };
  const operator = key('default');
  createClients(t, server.endpoint, operator);
  const { page, context, complaints } = await openPage(t, server.console);
  const login = async ({ accessKeyId, secretAccessKey }: typeof operator) => {
    await page.getByLabel('Access key id').fill(accessKeyId);
    await page.getByRole('textbox', { name: 'Secret access key' }).fill(secretAccessKey);
    await page.getByRole('button', { name: 'Log in' }).click();
  };
  await login({ ...operator, secretAccessKey: 'wrong' });
  await page.getByRole('alert').getByText('no key has this id and secret').waitFor();
  await login(operator);
  await page.getByRole('heading', { level: 1, name: 'Everything is fine' }).waitFor();
  await page.getByRole('button', { name: operator.accessKeyId }).click();
  await page.getByText('May look and act').waitFor();

  // A page that only rides on the cookie cannot change anything.
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  assert.ok((await context.cookies()).every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Strict'));
  const send = (headers: Record<string, string>, path = 'clock/advance') =>
    fetch(`${server.console}api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"by":"1s"}',
    });
  assert.equal((await send({})).status, 401);
  assert.equal((await send({ cookie })).status, 403);
  const session = (await (await fetch(`${server.console}api/session`, { headers: { cookie } })).json()) as {
    csrf: string;
  };
  // 409: let through, and refused only because the clock is real.
  assert.equal((await send({ cookie, 'x-redrive-csrf': session.csrf })).status, 409);
  const basic = (pair: typeof operator) => ({
    authorization: `Basic ${Buffer.from(`${pair.accessKeyId}:${pair.secretAccessKey}`).toString('base64')}`,
  });
  assert.equal((await send(basic(operator))).status, 409);
  assert.equal((await send(basic(key('viewer')))).status, 403);
  assert.equal((await fetch(`${server.console}api/ledger`, { headers: basic(key('viewer')) })).status, 200);

  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in to Redrive' }).waitFor();
  assert.equal((await fetch(`${server.console}api/ledger`, { headers: { cookie } })).status, 401);
  await login(key('viewer'));
  await page.getByRole('heading', { level: 1, name: 'Everything is fine' }).waitFor();
  const answer = await fetch(server.console);
  assert.match(
    answer.headers.get('content-security-policy') ?? '',
    /script-src 'self'; style-src 'self' 'nonce-/,
  );
  const audit = (await (await fetch(`${server.console}api/audit`, { headers: basic(operator) })).json()) as {
    entries: { action: string; by: string }[];
  };
  assert.ok(audit.entries.some(({ action, by }) => action === 'login' && by === operator.accessKeyId));
  assert.deepEqual(complaints, []);
});
