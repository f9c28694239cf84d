import assert from 'node:assert/strict';
import { test } from 'node:test';
import { element, escapeXml, textElement } from './xml.ts';

test('markup and carriage returns are escaped, nothing else changes', () => {
  assert.equal(escapeXml(`a<b>&"c"'d'\r\n\té`), 'a&lt;b&gt;&amp;&quot;c&quot;&apos;d&apos;&#xD;\n\té');
  assert.equal(escapeXml('plain'), 'plain');
});

test('empty elements are closed at once, empty texts are not absent', () => {
  assert.equal(element('A', ''), '<A/>');
  assert.equal(element('A', '<B/>'), '<A><B/></A>');
  assert.equal(textElement('A', ''), '<A></A>');
});
