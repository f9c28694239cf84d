/** Flags over environment over defaults, and every problem at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, readConfig } from './config.ts';

function config(result: ReturnType<typeof readConfig>): Config {
  assert.equal(result.kind, 'config', JSON.stringify(result));
  return (result as { config: Config }).config;
}

test('defaults', () => {
  assert.deepEqual(config(readConfig({}, [], {}, '/home/a')), {
    host: '127.0.0.1',
    port: 4566,
    dataDir: '/home/a/.redrive',
    storeUrl: undefined,
    smtpUrl: undefined,
    mailFrom: undefined,
    smsWebhook: undefined,
    clock: 'real',
    auth: 'open',
    region: 'us-east-1',
    account: '000000000000',
    templates: [],
    allowReset: false,
    allowFaults: false,
    seed: undefined,
    startAt: undefined,
    logLevel: 'info',
  });
});

test('a flag wins over the environment, which wins over the default', () => {
  const env = { REDRIVE_PORT: '1', REDRIVE_CLOCK: 'virtual', REDRIVE_REGION: '', REDRIVE_LOG_LEVEL: 'warn' };
  const found = config(readConfig({ port: '0' }, ['t.yaml'], env, '/w'));
  assert.equal(found.port, 0);
  assert.equal(found.clock, 'virtual');
  assert.equal(found.region, 'us-east-1');
  assert.equal(found.logLevel, 'warn');
  assert.deepEqual(found.templates, ['/w/t.yaml']);
});

test('other addresses than loopback ask for keys unless told otherwise', () => {
  assert.equal(config(readConfig({ host: '0.0.0.0' }, [], {}, '/')).auth, 'keys');
  assert.equal(config(readConfig({ host: '0.0.0.0', auth: 'open' }, [], {}, '/')).auth, 'open');
  assert.equal(config(readConfig({ host: 'localhost' }, [], {}, '/')).auth, 'open');
});

test('every problem is reported at once, without passwords', () => {
  const result = readConfig(
    { port: '70000', clock: 'fast', auth: 'none', region: 'here', account: '1' },
    [],
    { REDRIVE_STORE: 'mysql://me:secret@db/x', REDRIVE_LOG_LEVEL: 'loud', REDRIVE_ALLOW_RESET: 'maybe' },
    '/',
  );
  assert.equal(result.kind, 'invalid');
  const problems = result.kind === 'invalid' ? result.problems : [];
  assert.equal(problems.length, 8);
  assert.ok(problems.includes("--port: expected a number from 0 to 65535, found '70000'"));
  assert.ok(problems.some((problem) => problem.startsWith('REDRIVE_STORE: expected a postgres:// URL')));
  assert.ok(!problems.join('\n').includes('secret'));
});
