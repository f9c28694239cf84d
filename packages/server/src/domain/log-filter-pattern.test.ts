/** Filter patterns against the examples of AWS's documentation, and properties of the parser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FilterPattern, parseFilterPattern } from './log-filter-pattern.ts';

function pattern(source: string): FilterPattern {
  const parsed = parseFilterPattern(source);
  assert.equal(parsed.kind, 'pattern', `${source}: ${parsed.kind === 'invalid' ? parsed.message : ''}`);
  return (parsed as { pattern: FilterPattern }).pattern;
}

function check(source: string, matching: string[], other: string[]): void {
  const compiled = pattern(source);
  for (const message of matching) assert.ok(compiled.matches(message), `${source} should match ${message}`);
  for (const message of other) assert.ok(!compiled.matches(message), `${source} should not match ${message}`);
}

const LINES = ['ERROR WARN message', 'ERROR message', 'WARN message'] as const;

test('terms', () => {
  check('', [...LINES, ''], []);
  check('" "', [...LINES, ''], []);
  check('ERROR', ['[ERROR] A fatal exception', 'Exiting with ERRORCODE: -1'], ['error', 'WARN']);
  check('ERROR WARN', [LINES[0]], [LINES[1], LINES[2]]);
  check('?ERROR ?WARN', [...LINES], ['INFO message']);
  check('ERROR -WARN', [LINES[1]], [LINES[0], LINES[2]]);
  check('-WARN', [LINES[1], ''], [LINES[0], LINES[2]]);
  check('"ERROR" - "Exiting"', ['[ERROR] A fatal'], ['Exiting with ERRORCODE: -1']);
  check('"Failed to process the request"', ['[WARN] Failed to process the request'], ['Failed to process']);
  // The question mark is ignored beside other terms.
  check('?ERROR REQUEST', ['WARN REQUEST', 'ERROR REQUEST'], ['ERROR']);
  check('%AUTHORIZED%', ['[ERROR 401] UNAUTHORIZED REQUEST', '[SUCCESS 200] AUTHORIZED REQUEST'], ['ok']);
  check('%^[Ee]rror\\s\\d{3}$%', ['Error 404', 'error 500'], ['Error 5000', 'an error 404']);
});

test('JSON', () => {
  const user = JSON.stringify({
    user: { id: 1, email: 'John.Stiles@example.com' },
    users: [
      { id: 2, email: 'John.Doe@example.com' },
      { id: 3, email: 'Jane.Doe@example.com' },
    ],
    actions: ['GET', 'PUT', 'DELETE'],
    coordinates: [
      [0, 1, 2],
      [4, 5, 6],
      [7, 8, 9],
    ],
  });
  check('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', [user], []);
  check('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', [], [user]);
  check(
    '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
    [user],
    [],
  );
  check(
    '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }',
    [],
    [user],
  );
  check('{ $.users = 1 }', [], [user]);
  check('{ $.users != 1 }', [], [user]);
  check('{ $.users[*].id = 3 }', [user], []);
  check('{ $.users[*].id = 4 }', [], [user]);
  check('{ $.actions[*] = "P*" }', [user], []);

  const trail = JSON.stringify({
    eventType: 'UpdateTrail',
    sourceIPAddress: '111.111.111.111',
    arrayKey: ['value', 'another value'],
    objectList: [
      { name: 'a', id: 1 },
      { name: 'b', id: 2 },
    ],
    SomeObject: null,
    ThisFlag: true,
    latency: 1000.5,
    'dotted.key': 'yes',
  });
  check('{ $.eventType = "UpdateTrail" }', [trail], ['{}', 'UpdateTrail', '{"eventType":']);
  check('{ $.eventType = *Trail }', [trail], []);
  check('{ $.sourceIPAddress != 123.123.* }', [trail], []);
  check('{ $.arrayKey[0] = "value" }', [trail], []);
  check('{ $.objectList[1].id = 2 }', [trail], []);
  check('{ $.SomeObject IS NULL }', [trail], ['{"SomeObject":1}', '{}']);
  check('{ $.SomeOtherObject NOT EXISTS }', [trail], ['{"SomeOtherObject":null}']);
  check('{ $.ThisFlag IS TRUE }', [trail], ['{"ThisFlag":false}']);
  check('{ $.ThisFlag IS FALSE }', ['{"ThisFlag":false}'], [trail]);
  check('{ $.latency > +1000 }', [trail], ['{"latency":999}', '{"latency":"x"}']);
  check('{ $.latency < 10e3 && $.latency >= 1e-3 }', [trail], []);
  check('{ $.latency = * }', [trail], ['{}']);
  check("{ $['dotted.key'] = yes }", [trail], []);
  check('{ $.eventType = %Upd.*ail$% }', [trail], ['{"eventType":"UpdateTrails"}']);
  check('{$.errorCode = 404}', ['{"errorCode":404}', '{"errorCode":"404"}'], ['{"errorCode":4040}']);
});

test('space-delimited', () => {
  const line = (status: number, bytes: number) =>
    `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" ${status} ${bytes}`;
  check(
    '[ip, user, username, timestamp, request, status_code, bytes > 1000]',
    [line(200, 1534)],
    [line(200, 1)],
  );
  check('[ip, user, username, timestamp, request, status_code = 4*, bytes]', [line(404, 1)], [line(200, 1)]);
  check('[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]', [line(404, 1)], []);
  check('[..., status_code = 4* && status_code != 403, bytes]', [line(404, 1)], [line(403, 1)]);
  check('[..., status=404 || status=410, bytes]', [line(410, 2), line(404, 1)], [line(500, 1)]);
  check('[ip, user, ...]', [line(1, 1), 'a b'], ['a']);
  check('[w1=ERROR, w2]', [LINES[1]], [LINES[0], LINES[2]]);
  check('[w1=%WARN%, w2]', [LINES[2]], [LINES[1]]);
  check('[]', [...LINES, ''], []);
  assert.deepEqual(pattern('[..., request=*.html*, status_code=4*,]').extract(line(404, 1534)), {
    $1: '127.0.0.1',
    $2: '-',
    $3: 'frank',
    $4: '10/Oct/2000:13:25:15 -0700',
    $request: 'GET /index.html HTTP/1.0',
    $status_code: '404',
    $7: '1534',
  });
  assert.equal(pattern('[..., size]').read(line(200, 99), '$size'), '99');
  assert.equal(pattern('{ $.a.b = * }').read('{"a":{"b":7}}', '$.a.b'), 7);
});

test('what is not of the language is refused with the place', () => {
  for (const bad of [
    '{ $.a = }',
    '{ $.a }',
    '{ $.a IS NOT NULL }',
    '{ a = 1 }',
    '{ $.a[*].b[*] = 1 }',
    '{ $.a = 1',
    '{ ($.a = 1 }',
    '[a, b',
    '[..., a, ...]',
    '[a > ]',
    'foo-bar',
    '"open',
    '%a(b)%',
    '%a!%',
    '%[%',
    '%\\q%',
    'x'.repeat(1025),
    '{ $.a = %x% && $.b = %y% && $.c = %z% }',
  ]) {
    assert.equal(parseFilterPattern(bad).kind, 'invalid', bad);
  }
});

test('no text makes the parser or the matcher throw', () => {
  const pieces = fc.array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '$.',
      'a',
      '*',
      '=',
      '!=',
      '>',
      '1',
      '"',
      '%',
      '&&',
      '||',
      '(',
      ')',
      ' ',
      ',',
      '...',
      '-',
      '?',
      'IS NULL',
      'NOT EXISTS',
      '\\',
      'é',
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(pieces, fc.string(), (parts, message) => {
      const parsed = parseFilterPattern(parts.join(''));
      if (parsed.kind === 'pattern') {
        parsed.pattern.matches(message);
        parsed.pattern.matches('{"a":[1,{"a":null}]}');
        parsed.pattern.extract(message);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a quoted phrase matches exactly where it occurs', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), fc.string(), (term, before, after) => {
      const quoted = `"${term.replace(/[\\"]/g, '\\$&')}"`;
      if (term.trim() === '') return;
      assert.ok(pattern(quoted).matches(before + term + after));
      assert.equal(pattern(quoted).matches(before), before.includes(term));
    }),
  );
});

test('a hostile expression or line takes linear time', () => {
  const regex = pattern('%a*a*a*a*a*a*a*a*a*b%');
  const line = 'a'.repeat(20_000);
  const columns = pattern('[..., x = ]*[*]'.replace(']*[', '*q*'));
  const began = process.hrtime.bigint();
  assert.ok(!regex.matches(line));
  assert.ok(!columns.matches('[" '.repeat(20_000)));
  assert.ok(!pattern('{ $.a.*.b = 1 }').matches(`{"a":${'['.repeat(20_000)}`));
  assert.ok(Number(process.hrtime.bigint() - began) / 1e6 < 2000);
});
