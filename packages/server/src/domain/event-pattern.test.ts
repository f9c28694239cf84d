import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileEventPattern, isPatternFault } from './event-pattern.ts';

function matches(pattern: unknown, value: unknown): boolean {
  const matcher = compileEventPattern(pattern);
  if (isPatternFault(matcher)) throw new Error(`${matcher.path}: ${matcher.message}`);
  return matcher(value);
}
const fault = (pattern: unknown) => {
  const matcher = compileEventPattern(pattern);
  return isPatternFault(matcher) ? matcher : undefined;
};

/** [pattern, events that match, events that do not] */
const CASES: [string, unknown, unknown[], unknown[]][] = [
  [
    'equals',
    { a: ['x'] },
    [{ a: 'x' }, { a: ['y', 'x'] }, { a: 'x', b: 1 }],
    [{ a: 'X' }, {}, { a: { x: 1 } }, 'x', null],
  ],
  [
    'alternatives',
    { a: ['x', 1, null, true] },
    [{ a: 1 }, { a: null }, { a: true }],
    [{ a: '1' }, { a: false }, { b: null }],
  ],
  ['empty string', { a: [''] }, [{ a: '' }], [{ a: 'x' }, {}, { a: null }]],
  ['and', { a: ['x'], b: ['y'] }, [{ a: 'x', b: 'y' }], [{ a: 'x' }, { b: 'y' }]],
  [
    'nested',
    { a: { b: { c: ['x'] } } },
    [{ a: { b: { c: 'x' } } }],
    [{ a: { b: 'x' } }, { a: null }, { 'a.b': { c: 'x' } }],
  ],
  [
    'lists of objects',
    { a: { k: ['x'], v: [1] } },
    [
      {
        a: [
          { k: 'y', v: 2 },
          { k: 'x', v: 1 },
        ],
      },
    ],
    [
      {
        a: [
          { k: 'x', v: 2 },
          { k: 'y', v: 1 },
        ],
      },
    ],
  ],
  ['prefix', { a: [{ prefix: 'ab' }] }, [{ a: 'abc' }, { a: 'ab' }], [{ a: 'aabc' }, { a: 1 }, {}]],
  [
    'prefix, any case',
    { a: [{ prefix: { 'equals-ignore-case': 'AB' } }] },
    [{ a: 'abc' }, { a: 'ABc' }],
    [{ a: 'xab' }],
  ],
  ['suffix', { a: [{ suffix: '.png' }] }, [{ a: 'x.png' }], [{ a: 'x.PNG' }, { a: 'png' }]],
  [
    'suffix, any case',
    { a: [{ suffix: { 'equals-ignore-case': '.png' } }] },
    [{ a: 'x.PNG' }],
    [{ a: 'x.jpg' }],
  ],
  ['any case', { a: [{ 'equals-ignore-case': 'aBc' }] }, [{ a: 'AbC' }], [{ a: 'abcd' }]],
  [
    'wildcard',
    { a: [{ wildcard: 'dir/*.png' }] },
    [{ a: 'dir/x.png' }, { a: 'dir/.png' }, { a: 'dir/a/b.png' }],
    [{ a: 'dir/x.jpg' }, { a: 'x.png' }],
  ],
  ['wildcards', { a: [{ wildcard: '*a*b*' }] }, [{ a: 'ab' }, { a: 'xaxbx' }], [{ a: 'ba' }, { a: '' }]],
  [
    'wildcard ends do not overlap',
    { a: [{ wildcard: 'aba*aba' }] },
    [{ a: 'abaaba' }],
    [{ a: 'aba' }, { a: 'ababa' }],
  ],
  ['wildcard escapes', { a: [{ wildcard: '\\*x\\\\*' }] }, [{ a: '*x\\y' }], [{ a: 'ax\\y' }]],
  ['numeric', { a: [{ numeric: ['=', 5] }] }, [{ a: 5 }, { a: 5.0 }], [{ a: '5' }, { a: 4 }]],
  [
    'numeric range',
    { a: [{ numeric: ['>', 0, '<=', 10] }] },
    [{ a: 10 }, { a: 0.5 }],
    [{ a: 0 }, { a: 10.1 }, {}],
  ],
  ['exists', { a: [{ exists: true }] }, [{ a: 'x' }, { a: null }, { a: [] }], [{}, { a: { b: 1 } }]],
  ['absent', { a: [{ exists: false }] }, [{}, { b: 1 }, { a: { b: 1 } }], [{ a: 1 }, { a: null }]],
  ['absent or', { a: [{ exists: false }, 'x'] }, [{}, { a: 'x' }], [{ a: 'y' }]],
  ['nested absent', { a: { b: [{ exists: false }] } }, [{}, { a: {} }, { a: 1 }], [{ a: { b: 1 } }]],
  ['anything but', { a: [{ 'anything-but': 'x' }] }, [{ a: 'y' }, { a: 1 }], [{ a: 'x' }, {}]],
  [
    'anything but several',
    { a: [{ 'anything-but': ['x', 1] }] },
    [{ a: 'y' }, { a: 2 }, { a: ['x', 'y'] }],
    [{ a: 'x' }, { a: 1 }, { a: ['x', 1] }],
  ],
  [
    'anything but a prefix',
    { a: [{ 'anything-but': { prefix: ['x', 'y'] } }] },
    [{ a: 'z' }],
    [{ a: 'xa' }, { a: 'ya' }],
  ],
  [
    'anything but any case',
    { a: [{ 'anything-but': { 'equals-ignore-case': ['X'] } }] },
    [{ a: 'y' }],
    [{ a: 'x' }],
  ],
  [
    'anything but a wildcard',
    { a: [{ 'anything-but': { wildcard: '*/tmp/*' } }] },
    [{ a: 'a/b' }],
    [{ a: 'a/tmp/b' }],
  ],
  [
    'cidr',
    { ip: [{ cidr: '10.0.0.0/24' }] },
    [{ ip: '10.0.0.255' }],
    [{ ip: '10.0.1.0' }, { ip: 'x' }, { ip: '10.0.0.256' }],
  ],
  [
    'cidr of IPv6',
    { ip: [{ cidr: '2001:db8::/32' }] },
    [{ ip: '2001:db8::1' }, { ip: '2001:db8:1:2:3:4:5:6' }],
    [{ ip: '2001:db9::1' }, { ip: '10.0.0.1' }],
  ],
  [
    '$or',
    { $or: [{ a: ['x'] }, { b: [{ numeric: ['>', 1] }] }] },
    [{ a: 'x' }, { b: 2 }],
    [{ a: 'y', b: 1 }, {}],
  ],
  [
    '$or and',
    { c: ['z'], $or: [{ a: ['x'] }, { b: ['y'] }] },
    [{ a: 'x', c: 'z' }],
    [{ a: 'x' }, { c: 'z' }],
  ],
  ['nested $or', { d: { $or: [{ a: ['x'] }, { b: ['y'] }] } }, [{ d: { b: 'y' } }], [{ b: 'y' }]],
  ['$or as a name', { $or: ['x'] }, [{ $or: 'x' }], [{ a: 'x' }]],
  ['names of Object', { constructor: ['x'], __proto__: { y: 1 } }, [{ constructor: 'x' }], [{}]],
];

for (const [name, pattern, yes, no] of CASES) {
  test(name, () => {
    for (const event of yes) assert.equal(matches(pattern, event), true, JSON.stringify(event));
    for (const event of no) assert.equal(matches(pattern, event), false, JSON.stringify(event));
  });
}

test('faults are found when the pattern is compiled, with their place', () => {
  const faulty: unknown[] = [
    'text',
    [],
    {},
    { a: 'x' },
    { a: [] },
    { a: {} },
    { a: [['x']] },
    { a: [{ prefix: 1 }] },
    { a: [{ nonsense: 'x' }] },
    { a: [{ prefix: 'x', suffix: 'y' }] },
    { a: [{ exists: 'yes' }] },
    { a: [{ numeric: ['>', 'x'] }] },
    { a: [{ numeric: ['<', 1, '>', 5] }] },
    { a: [{ numeric: ['>', 5, '<', 5] }] },
    { a: [{ numeric: ['!', 5] }] },
    { a: [{ numeric: ['=', 5e9 + 1] }] },
    { a: [{ wildcard: 'a**b' }] },
    { a: [{ wildcard: 'a\\x' }] },
    { a: [{ cidr: '10.0.0.0/33' }] },
    { a: [{ cidr: 'x/1' }] },
    { a: [{ 'anything-but': [] }] },
    { a: [{ 'anything-but': { numeric: ['=', 1] } }] },
    { $or: [{ a: ['x'] }] },
  ];
  for (const pattern of faulty) assert.ok(fault(pattern), JSON.stringify(pattern));
  assert.equal(fault({ a: { b: [{ nonsense: 1 }] } })?.path, 'a.b');
});

const key = fc.constantFrom('a', 'b', '$or', '__proto__', 'toString');
const leaf = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.integer({ min: -3, max: 3 }),
  fc.boolean(),
  fc.constant(null),
);
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
})).value;

test('compiling and matching never throw, whatever they are given', () => {
  fc.assert(
    fc.property(value, value, (pattern, event) => {
      const matcher = compileEventPattern(pattern);
      if (!isPatternFault(matcher)) assert.equal(typeof matcher(event), 'boolean');
    }),
    { numRuns: 2000 },
  );
});

test('exact values: a leaf matches itself, and its negation is anything-but', () => {
  fc.assert(
    fc.property(leaf, leaf, (wanted, found) => {
      assert.equal(matches({ a: [wanted] }, { a: found }), Object.is(wanted, found) || wanted === found);
      assert.equal(
        matches({ a: [{ 'anything-but': [wanted] }] }, { a: found }),
        !matches({ a: [wanted] }, { a: found }),
      );
    }),
  );
});

test('a wildcard agrees with a regular expression', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 6 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      letters.filter((pattern) => !pattern.includes('**')),
      fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 }).map((parts) => parts.join('')),
      (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        assert.equal(matches({ a: [{ wildcard: pattern }] }, { a: text }), expression.test(text));
      },
    ),
    { numRuns: 2000 },
  );
});

test('$or is the union, fields are the intersection', () => {
  const pattern = fc.dictionary(fc.constantFrom('a', 'b'), fc.array(leaf, { minLength: 1, maxLength: 2 }), {
    minKeys: 1,
  });
  const event = fc.dictionary(fc.constantFrom('a', 'b'), leaf);
  fc.assert(
    fc.property(pattern, pattern, event, (left, right, found) => {
      assert.equal(matches({ $or: [left, right] }, found), matches(left, found) || matches(right, found));
      assert.equal(
        matches({ d: left, e: right }, { d: found, e: found }),
        matches(left, found) && matches(right, found),
      );
    }),
  );
});
