/**
 * The rules of conflict, the same for every database: whether a unit may happen, decided from facts before
 * anything of it is applied. A unit is judged against the store as the units before it left it, and each
 * effect against what the effects before it in the same unit will have done.
 */
import type { Conflict } from './store.ts';

interface ReceiptView {
  readonly queue: string;
  readonly seq: number;
  readonly id: string;
  readonly lease: number;
}

/** What the rules look at; `Effect` and the forms that cross to a database both fit. */
export type EffectView =
  | { readonly kind: 'ack'; readonly receipt: ReceiptView; readonly heldAt?: number | undefined }
  | {
      readonly kind: 'reschedule';
      readonly receipt: ReceiptView;
      readonly heldAt?: number | undefined;
      readonly dueAt: number;
      readonly release: boolean;
    }
  | { readonly kind: 'send'; readonly message: { readonly subject?: string | undefined } }
  | { readonly kind: 'open'; readonly subject: string }
  | { readonly kind: 'append'; readonly subject: string; readonly settle?: object | undefined }
  | {
      readonly kind: 'put' | 'remove';
      readonly collection: string;
      readonly key: string;
      readonly ifVersion?: number | undefined;
    }
  | { readonly kind: 'clear'; readonly queue: string; readonly sentBefore?: number | undefined }
  | { readonly kind: 'count' | 'write' | 'erase' | 'measure' };

interface MessageView {
  readonly lease: number;
  readonly held: boolean;
  readonly dueAt: number;
  readonly sentAt: number;
}

/** The store as it stands. */
export interface Facts {
  /** The message that `receipt` names by queue, seq and id; undefined when it is gone. */
  message(receipt: ReceiptView): MessageView | undefined;
  /** Status of a subject; undefined when it is unknown. */
  status(subject: string): string | undefined;
  /** Version of a resource, 0 when there is none. */
  version(collection: string, key: string): number;
}

/** A resource that the same unit has put before: nobody can know its version yet, so every guard fails. */
const PUT_IN_UNIT = -1;

/** The first conflict of the unit, or undefined when all of it can happen. */
export function findConflict(unit: readonly EffectView[], facts: Facts): Conflict | undefined {
  // What the effects so far will have done. Made when first needed: most units need none of it.
  let messages: Map<number, MessageView | undefined> | undefined;
  /** By queue: what was sent before that is gone. */
  let cleared: Map<string, number> | undefined;
  let statuses: Map<string, string> | undefined;
  let versions: Map<string, number> | undefined;
  const statusOf = (subject: string) => statuses?.get(subject) ?? facts.status(subject);

  for (let index = 0; index < unit.length; index++) {
    const effect = unit[index] as EffectView;
    switch (effect.kind) {
      case 'ack':
      case 'reschedule': {
        const { receipt, heldAt } = effect;
        const message = messages?.has(receipt.seq) ? messages.get(receipt.seq) : facts.message(receipt);
        if (message === undefined || message.sentAt < (cleared?.get(receipt.queue) ?? -Infinity)) {
          return conflict('UnknownMessage', index);
        }
        if (message.lease !== receipt.lease) return conflict('StaleReceipt', index);
        if (heldAt !== undefined && !(message.held && message.dueAt > heldAt))
          return conflict('StaleReceipt', index);
        messages ??= new Map();
        messages.set(
          receipt.seq,
          effect.kind === 'ack'
            ? undefined
            : { ...message, held: message.held && !effect.release, dueAt: effect.dueAt },
        );
        break;
      }
      case 'clear': {
        const { queue, sentBefore = Infinity } = effect;
        cleared ??= new Map();
        cleared.set(queue, Math.max(sentBefore, cleared.get(queue) ?? -Infinity));
        break;
      }
      case 'send': {
        const { subject } = effect.message;
        if (subject !== undefined && statusOf(subject) === undefined)
          return conflict('UnknownSubject', index);
        break;
      }
      case 'open':
        if (statusOf(effect.subject) !== undefined) return conflict('DuplicateSubject', index);
        statuses ??= new Map();
        statuses.set(effect.subject, 'Pending');
        break;
      case 'append': {
        const status = statusOf(effect.subject);
        if (status === undefined) return conflict('UnknownSubject', index);
        if (effect.settle) {
          if (status !== 'Pending') return conflict('AlreadySettled', index);
          statuses ??= new Map();
          statuses.set(effect.subject, 'settled');
        }
        break;
      }
      case 'put':
      case 'remove': {
        const name = JSON.stringify([effect.collection, effect.key]);
        if (effect.ifVersion !== undefined) {
          const version = versions?.get(name) ?? facts.version(effect.collection, effect.key);
          if (version !== effect.ifVersion) return conflict('VersionMismatch', index);
        }
        versions ??= new Map();
        versions.set(name, effect.kind === 'put' ? PUT_IN_UNIT : 0);
        break;
      }
    }
  }
  return undefined;
}

function conflict(reason: Conflict['reason'], effect: number): Conflict {
  return { kind: 'conflict', reason, effect };
}
