import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addParameters, type Form, numbered, parameter } from './form.ts';

function parse(text: string): Form {
  const form: Form = {};
  addParameters(form, text);
  return form;
}

test('names are split at dots, values are decoded', () => {
  const form = parse('A.member.1.B=x+y%20z&A.member.2.B=%C3%A9&Action=Do&Empty=&Bare');
  assert.equal(parameter(form, 'Action'), 'Do');
  assert.equal(parameter(form, 'Empty'), '');
  assert.equal(parameter(form, 'Bare'), '');
  const list = form.children!.get('A')!.children!.get('member')!;
  assert.deepEqual(
    numbered(list).map((node) => node.children!.get('B')!.value),
    ['x y z', 'é'],
  );
});

test('numbers order as numbers, gaps close, other names are passed over', () => {
  const form = parse('L.10=j&L.9=i&L.2=b&L.x=no&L.-1=no&L.1e3=no');
  assert.deepEqual(
    numbered(form.children!.get('L')!).map((node) => node.value),
    ['b', 'i', 'j'],
  );
});

test('the first of two equal names stays; what a body says stands before the query', () => {
  const form = parse('Action=First&Action=Second');
  addParameters(form, 'Action=Third&New=1');
  assert.equal(parameter(form, 'Action'), 'First');
  assert.equal(parameter(form, 'New'), '1');
});

test('every value comes back as it was encoded', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
      (value) => {
        assert.equal(parameter(parse(new URLSearchParams({ v: value }).toString()), 'v'), value);
        assert.equal(parameter(parse(`v=${encodeURIComponent(value)}`), 'v'), value);
      },
    ),
  );
});

test('names of objects are names like others', () => {
  const form = parse('__proto__.polluted=1&constructor.prototype.x=2');
  assert.equal(({} as { polluted?: string }).polluted, undefined);
  assert.equal(form.children!.get('__proto__')!.children!.get('polluted')!.value, '1');
});

test('broken encodings and endless names are refused', () => {
  for (const text of ['a=%', 'a=%f', '%zz=1', `${'x.'.repeat(32)}y=1`]) {
    assert.throws(() => parse(text), { name: 'SerializationException' }, text);
  }
});
