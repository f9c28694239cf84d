/** Logs Insights: commands and functions against AWS's documentation; hostile queries are refused or bounded. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FUNCTIONS } from './insights-functions.ts';
import { QueryError } from './insights-lexer.ts';
import { parseQuery } from './insights-parser.ts';
import { LogRecord } from './insights-record.ts';
import { startRun } from './insights-run.ts';

const START = Date.UTC(2026, 0, 1);
const TIMES = { startAt: START, endAt: START + 3_600_000, now: START + 3_600_000 };
const place = { log: '1:/aws/lambda/f', lambda: true, pointerOf: () => 'ptr', mask: (line: string) => line };

/** Events a second apart, the last one newest; they are pushed newest first. */
function run(query: string, messages: readonly string[], limit?: number): Record<string, string>[] {
  const work = startRun(parseQuery(query), TIMES, limit);
  const records = messages.map(
    (text, index) =>
      new LogRecord(
        { id: String(index), stream: `s${index % 2}`, at: START + index * 1000, text, ingestedAt: START },
        place,
      ),
  );
  for (const record of records.reverse()) if (!work.push(record)) break;
  return work
    .finish()
    .map((row) =>
      Object.fromEntries(
        row.filter(({ field }) => field !== '@ptr').map(({ field, value }) => [field, value]),
      ),
    );
}
const json = (...objects: object[]) => objects.map((object) => JSON.stringify(object));
const ORDERS = json(
  { level: 'INFO', order: { id: 1, items: [{ sku: 'a' }] }, ms: 10 },
  { level: 'ERROR', order: { id: 2 }, ms: 30, '@x': 'at' },
  { level: 'INFO', order: { id: 3 }, ms: 20.5, note: null },
  { level: 'WARN', order: { id: 4 }, 'a.b': 'dotted' },
);

describe('commands', () => {
  test('without columns: time and message, newest first', () => {
    assert.deepEqual(run('filter ms > 15', ORDERS), [
      { '@timestamp': '2026-01-01 00:00:02.000', '@message': ORDERS[2] },
      { '@timestamp': '2026-01-01 00:00:01.000', '@message': ORDERS[1] },
    ]);
  });

  test('fields, aliases, discovered JSON', () => {
    assert.deepEqual(
      run('fields order.id as id, order.items.0.sku, ms * 2 | sort id asc | limit 2', ORDERS),
      [
        { id: '1', 'order.items.0.sku': 'a', 'ms * 2': '20' },
        { id: '2', 'ms * 2': '60' },
      ],
    );
    assert.deepEqual(run('fields @@x, `a.b`, note | filter ispresent(@@x) or ispresent(`a.b`)', ORDERS), [
      { 'a.b': 'dotted' },
      { '@@x': 'at' },
    ]);
    assert.deepEqual(run('fields level | display ms | filter level = "ERROR"', ORDERS), [{ ms: '30' }]);
    assert.deepEqual(run('fields @logStream, @log | limit 1', ORDERS), [
      { '@logStream': 's1', '@log': '1:/aws/lambda/f' },
    ]);
  });

  test('filter: comparisons, like, in, not', () => {
    const ids = (condition: string) =>
      run(`fields order.id as id | filter ${condition} | sort id`, ORDERS).map(({ id }) => id);
    assert.deepEqual(ids('level = "INFO" and ms >= 20'), ['3']);
    assert.deepEqual(ids('level in ["WARN", "ERROR"]'), ['2', '4']);
    assert.deepEqual(ids('level not in ["WARN", "ERROR"]'), ['1', '3']);
    assert.deepEqual(ids('@message like /"ms":[12]0/'), ['1', '3']);
    assert.deepEqual(ids('@message like "ERR"'), ['2']);
    assert.deepEqual(ids('@message not like "INFO" and not (level = "WARN")'), ['2']);
    assert.deepEqual(ids('@message =~ /(?i)warn/'), ['4']);
    assert.deepEqual(ids('level != "INFO" # a comment | limit 1\n'), ['2', '4']);
    assert.deepEqual(ids('ms'), ['1', '2', '3']);
  });

  test('stats: functions, groups, arithmetic over them, a second stats', () => {
    assert.deepEqual(
      run('stats count(*), avg(ms), max(ms) - min(ms) as spread by level | sort level', ORDERS),
      [
        { level: 'ERROR', 'count(*)': '1', 'avg(ms)': '30', spread: '0' },
        { level: 'INFO', 'count(*)': '2', 'avg(ms)': '15.25', spread: '10.5' },
        { level: 'WARN', 'count(*)': '1' },
      ],
    );
    assert.deepEqual(run('stats count(*) as n by bin(2s) | sort n desc, `bin(2s)` asc', ORDERS), [
      { 'bin(2s)': '2026-01-01 00:00:00.000', n: '2' },
      { 'bin(2s)': '2026-01-01 00:00:02.000', n: '2' },
    ]);
    assert.deepEqual(
      run('stats count(ms) as n by level | stats sum(n) as total, count_distinct(level) as levels', ORDERS),
      [{ total: '3', levels: '3' }],
    );
    assert.deepEqual(
      run('stats pct(ms, 50), stddev(ms), earliest(order.id), latest(order.id), count(*)/2', ORDERS),
      [
        {
          'pct(ms, 50)': '20.5',
          'stddev(ms)': '10.0042',
          'earliest(order.id)': '1',
          'latest(order.id)': '4',
          'count(*)/2': '2',
        },
      ],
    );
    assert.deepEqual(run('filter ms > 1000 | stats count(*)', ORDERS), [{ 'count(*)': '0' }]);
    assert.deepEqual(run('filter ms > 1000 | stats count(*) by level', ORDERS), []);
    assert.deepEqual(run('stats count(*) by level | sort count(*) desc | limit 1', ORDERS)[0]?.level, 'INFO');
  });

  test('parse: globs and regular expressions', () => {
    const lines = ['user=ann, latency=12 ms', 'user=bob, latency=7 ms', 'something else'];
    assert.deepEqual(run('parse @message "user=*, latency=* ms" as u, l | display u, l', lines), [
      {},
      { u: 'bob', l: '7' },
      { u: 'ann', l: '12' },
    ]);
    assert.deepEqual(
      run(
        'parse @message /user=(?<u>\\w+), latency=(?<l>\\d+)/ | stats sum(l) as s by u | sort s',
        lines,
      ).slice(1),
      [
        { u: 'bob', s: '7' },
        { u: 'ann', s: '12' },
      ],
    );
    assert.deepEqual(run('parse "user=*," as u | filter u = "bob" | display u', lines), [{ u: 'bob' }]);
  });

  test('sort, limit, dedup', () => {
    assert.deepEqual(run('fields ms | sort ms desc | limit 2', ORDERS), [{ ms: '30' }, { ms: '20.5' }]);
    assert.deepEqual(run('fields level | dedup level', ORDERS), [
      { level: 'WARN' },
      { level: 'INFO' },
      { level: 'ERROR' },
    ]);
    assert.equal(run('fields ms', ORDERS, 3).length, 3);
  });

  test('what Lambda writes has fields of its own', () => {
    const id = '01a2078c-5879-701a-9893-09f805832f49';
    const lines = [
      `START RequestId: ${id} Version: $LATEST\n`,
      `2026-01-01T00:00:00.000Z\t${id}\tINFO\t{"cart":3}\n`,
      `REPORT RequestId: ${id}\tDuration: 2.5 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 37 MB\tInit Duration: 79.22 ms\t\n`,
    ];
    assert.deepEqual(
      run(
        'filter @type = "REPORT" | fields @requestId, @duration, @billedDuration, @maxMemoryUsed, @initDuration',
        lines,
      ),
      [
        {
          '@requestId': id,
          '@duration': '2.5',
          '@billedDuration': '3',
          '@maxMemoryUsed': '37000000',
          '@initDuration': '79.22',
        },
      ],
    );
    assert.deepEqual(run('filter cart = 3 | fields @requestId', lines), [{ '@requestId': id }]);
  });
});

describe('functions', () => {
  const cases: [string, string | undefined][] = [
    ['abs(-3)', '3'],
    ['round(2.345, 2)', '2.35'],
    ['greatest(1, 12, 3)', '12'],
    ['least(1, 12, 3)', '1'],
    ['sqrt(-1)', undefined],
    ['1 / 0', undefined],
    ['2 + 3 * 2 ^ 2 % 5', '4'],
    ['-(2 - 5)', '3'],
    ['toInt("7.9")', '7'],
    ['datefloor(@timestamp, 1h)', '2026-01-01 00:00:00.000'],
    ['dateceil(@timestamp, 1mo)', '2026-01-01 00:00:00.000'],
    ['datefloor(fromMillis(1772368245000), 1q)', '2026-01-01 00:00:00.000'],
    ['toMillis(fromMillis(5))', '5'],
    ['formatDate(@timestamp, "%Y/%m/%d %H:%M %a")', '2026/01/01 00:00 Thu'],
    ['toMillis(parseDate("2026-03-01 12:30:45", "%Y-%m-%d %H:%M:%S"))', '1772368245000'],
    ['toMillis(parseDate("Mar 1 2026 01:30 PM +0200", "%b %d %Y %I:%M %p %z"))', '1772364600000'],
    ['coalesce(nothing, "x")', 'x'],
    ['if(1 = 1, "yes", "no")', 'yes'],
    ['case(1 = 2, "a", 1 = 1, "b", "c")', 'b'],
    ['isNumeric("1e3")', 'true'],
    ['ispresent(nothing)', 'false'],
    ['jsonArraySize("[1,2]")', '2'],
    ['jsonArrayContains("[1,2]", 2)', 'true'],
    ['jsonStringify(jsonParse("{\\"a\\":[1]}"))', '{"a":[1]}'],
    ['isValidIp("::1")', 'true'],
    ['isIpv4InSubnet("10.1.2.3", "10.0.0.0/8")', 'true'],
    ['isIpInSubnet("fd00::1", "fc00::/7")', 'true'],
    ['isIpv6InSubnet("10.1.2.3", "10.0.0.0/8")', 'false'],
    ['isIpInSubnet("10.1.2.3", "10.0.0.0/99")', 'false'],
    ['isPublicIP("8.8.8.8")', 'true'],
    ['isPrivateIP("192.168.1.1")', 'true'],
    ['ipv4ToNumber("1.0.0.1")', '16777217'],
    ['trim("  a ")', 'a'],
    ['ltrim("xxa", "x")', 'a'],
    ['substr("hello", 1, 3)', 'ell'],
    ['strlen("häh")', '3'],
    ['replace("a.a", ".", "$&")', 'a$&a'],
    ['regexReplace("a1b22", /[0-9]+/, "#")', 'a#b#'],
    ['strcontains("abc", "b")', '1'],
    ['concat("a", 1, nothing)', 'a1'],
    ['toupper("a")', 'A'],
    ['startsWith("abc", "ab")', 'true'],
    ['base64decode(base64encode("ü"))', 'ü'],
    ['urldecode("%")', undefined],
    ['hexToDec("ff")', '255'],
    ['decToHex(255)', 'ff'],
    ['isblank("  ")', 'true'],
    ['queryTimeRange()', '3600000'],
    ['haversine(0, 0, 0, 90)', '10007.5434'],
  ];
  for (const [expression, expected] of cases) {
    test(expression, () => assert.equal(run(`fields ${expression} as x`, ['a'])[0]?.x, expected));
  }

  test('none of them throws, whatever it is given', () => {
    const value = fc.oneof(fc.string(), fc.double(), fc.constant(undefined), fc.boolean(), fc.constant(null));
    for (const [name, { run: call, min, max }] of Object.entries(FUNCTIONS)) {
      fc.assert(
        fc.property(fc.array(value, { minLength: min, maxLength: Math.min(max, 5) }), (args) => {
          call(args);
        }),
        { numRuns: 100 },
      );
      assert.match(name, /^[a-z0-9]+$/);
    }
  });
});

test('a mistake is told with its place', () => {
  for (const [query, message, start] of [
    ['', /expected a command/, 0],
    ['fields @message | nonsense', /expected a command \(fields, .*found 'nonsense'/, 18],
    ['filter (a = 1', /expected '\)', found the end/, 13],
    ['fields nosuch(1)', /unknown function 'nosuch'/, 7],
    ['stats avg() by x', /avg: expected 1 arguments, found 0/, 6],
    ['stats level by x', /has no aggregate function/, 12],
    ['limit x', /limit: expected a whole number/, 6],
    ['filter @message like /(?=a)/', /not supported/, 0],
    ['filter a = "open', /a text is not closed/, 11],
    ['fields abs(1, 2)', /abs: expected 1 arguments, found 2/, 7],
    ['stats count(*) by bin(x)', /expected a period such as 5m/, 18],
    ['parse @message "a*b*" as x', /as many names/, 15],
    ['stats sum(count(*))', /aggregate inside an aggregate/, 6],
  ] as const) {
    assert.throws(
      () => startRun(parseQuery(query), TIMES),
      (error) => error instanceof QueryError && message.test(error.message) && error.start === start,
      query,
    );
  }
});

test('no text makes the parser fail in another way', () => {
  const word = fc.constantFrom(
    'fields',
    'filter',
    'stats',
    'sort',
    'parse',
    'limit',
    '|',
    '@message',
    'a.b',
    '(',
    ')',
    '[',
    ']',
    ',',
    'like',
    '/',
    '"',
    '`',
    'count(*)',
    'by',
    'bin(5m)',
    'as',
    'and',
    'not',
    '-',
    '*',
    '=',
    '1',
    '5m',
    '#',
    '\\',
    'é',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 25 }), (words) => {
      try {
        run(words.join(' '), ORDERS);
      } catch (error) {
        assert.ok(error instanceof QueryError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test('deep nesting is refused, a hostile expression takes linear time', () => {
  assert.throws(() => parseQuery(`filter ${'('.repeat(4000)}1${')'.repeat(4000)}`), QueryError);
  assert.throws(() => parseQuery(`fields ${'2^'.repeat(4000)}2`), QueryError);
  assert.throws(() => parseQuery(`fields ${'abs('.repeat(2000)}`), QueryError);
  const began = performance.now();
  run('filter @message like /(a+)+$/', [`${'a'.repeat(50_000)}!`]);
  run('parse @message "*a*a*a*a*a*a*b" as a1, a2, a3, a4, a5, a6, a7', ['a'.repeat(50_000)]);
  run(`filter ${'not '.repeat(2000)}1`, ['a']);
  assert.ok(performance.now() - began < 2000);
});
