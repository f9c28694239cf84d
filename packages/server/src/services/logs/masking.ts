/** The mask of a log group, compiled once for each version of its data protection policy. */
import {
  compilePolicy,
  DATA_PROTECTION,
  type DataProtectionRecord,
  type Mask,
} from '../../domain/log-masking.ts';
import type { Store } from '../../store/store.ts';

const compiled = new WeakMap<DataProtectionRecord, Mask>();
const asItIs: Mask = (line) => line;

export function maskOf(store: Pick<Store, 'resources'>, group: string, unmask?: boolean): Mask {
  const record = unmask
    ? undefined
    : store.resources.get<DataProtectionRecord>(DATA_PROTECTION, group)?.value;
  if (!record) return asItIs;
  let mask = compiled.get(record);
  if (!mask) {
    mask = compilePolicy(record.document);
    compiled.set(record, mask);
  }
  return mask;
}
