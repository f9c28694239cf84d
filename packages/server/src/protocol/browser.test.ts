import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comesFromForeignPage } from './browser.ts';

test('clients that are no browsers are never held up, whatever host they name', () => {
  for (const host of ['redrive:4566', 'localhost:4566', 'sqs.us-east-1.amazonaws.com', undefined]) {
    assert.equal(comesFromForeignPage({ host }), false);
  }
});

test("the server's own pages may call it under a local name", () => {
  for (const host of ['localhost:4566', '127.0.0.1:4566', '[::1]:4566', 'redrive.localhost', '10.1.2.3:80']) {
    const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
    assert.equal(comesFromForeignPage(headers), false, host);
    assert.equal(comesFromForeignPage({ host, 'sec-fetch-site': 'none' }), false, host);
  }
});

test('other pages may not', () => {
  for (const headers of [
    { host: 'localhost:4566', origin: 'http://localhost:3000' },
    { host: 'localhost:4566', origin: 'null' },
    { host: 'localhost:4566', origin: 'http://localhost:4566', 'sec-fetch-site': 'cross-site' },
    { host: 'rebound.example:4566', origin: 'http://rebound.example:4566', 'sec-fetch-site': 'same-origin' },
    { host: 'localhost.example.com', 'sec-fetch-site': 'same-origin' },
  ]) {
    assert.equal(comesFromForeignPage(headers), true, JSON.stringify(headers));
  }
});
