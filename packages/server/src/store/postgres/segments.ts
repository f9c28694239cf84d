/**
 * A batch, cut where order matters. Units whose effects can be written together form one segment; a receive is put
 * off until something later in the batch touches its queue, or until the end, which changes nothing for anybody;
 * a unit that clears or erases stands alone.
 */
import type { ReceiveRequest, Unit } from '../store.ts';
import type { CheckedUnit } from './unit-check.ts';

export type CheckedWork =
  | { readonly kind: 'commit'; readonly checked: CheckedUnit }
  | { readonly kind: 'receive'; readonly request: ReceiveRequest }
  | { readonly kind: 'refused'; readonly error: Error };

export type Segment =
  | { readonly kind: 'units'; readonly units: { readonly index: number; readonly checked: CheckedUnit }[] }
  | {
      readonly kind: 'receives';
      readonly receives: { readonly index: number; readonly request: ReceiveRequest }[];
    };

export function cutSegments(works: readonly CheckedWork[]): Segment[] {
  const segments: Segment[] = [];
  let units: (Segment & { kind: 'units' })['units'] = [];
  let receives: (Segment & { kind: 'receives' })['receives'] = [];
  const waiting = new Set<string>();
  const cut = () => {
    if (units.length > 0) segments.push({ kind: 'units', units });
    if (receives.length > 0) segments.push({ kind: 'receives', receives });
    units = [];
    receives = [];
    waiting.clear();
  };
  works.forEach((work, index) => {
    if (work.kind === 'receive') {
      receives.push({ index, request: work.request });
      waiting.add(work.request.queue);
    } else if (work.kind === 'commit') {
      const { unit } = work.checked;
      const alone = unit.some(({ kind }) => kind === 'clear' || kind === 'erase');
      if (alone || (waiting.size > 0 && touches(unit, waiting))) cut();
      units.push({ index, checked: work.checked });
      if (alone) cut();
    }
  });
  cut();
  return segments;
}

function touches(unit: Unit, queues: ReadonlySet<string>): boolean {
  return unit.some((effect) => {
    switch (effect.kind) {
      case 'send':
      case 'clear':
        return queues.has(effect.queue);
      case 'ack':
      case 'reschedule':
        return queues.has(effect.receipt.queue);
      default:
        return false;
    }
  });
}
