/** What every store must do, whatever database it stands on. Each database's test file calls it once. */
import { suite } from 'node:test';
import { atomicity } from './conformance/atomicity.ts';
import { fifo } from './conformance/fifo.ts';
import type { OpenStore } from './conformance/harness.ts';
import { journal } from './conformance/journal.ts';
import { lines } from './conformance/lines.ts';
import { measures } from './conformance/measures.ts';
import { messages } from './conformance/messages.ts';
import { properties } from './conformance/properties.ts';
import { resources } from './conformance/resources.ts';

/** @param open opens the store of a folder; called again on the same folder, it must find everything there */
export function storeConformance(name: string, open: OpenStore): void {
  suite(`${name}: messages`, () => messages(open));
  suite(`${name}: FIFO groups`, () => fifo(open));
  suite(`${name}: atomicity`, () => atomicity(open));
  suite(`${name}: journal`, () => journal(open));
  suite(`${name}: resources`, () => resources(open));
  suite(`${name}: lines`, () => lines(open));
  suite(`${name}: measures`, () => measures(open));
  suite(`${name}: random histories`, () => properties(open));
}
