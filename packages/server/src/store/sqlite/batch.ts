/** What one transaction changes beside its rows: applied to memory, and told to others, only once it is committed. */
import { PointBatch } from '../point-batch.ts';
import type { DepthChange } from './depth.ts';

export class Batch {
  readonly depthChanges: DepthChange[] = [];
  readonly clearedQueues: number[] = [];
  /** Earliest instant by queue. */
  readonly queueChanges = new Map<string, number>();
  readonly counters = new Map<string, number>();
  readonly points = new PointBatch();

  moved(change: DepthChange): void {
    this.depthChanges.push(change);
  }

  due(queue: string, dueAt: number): void {
    const known = this.queueChanges.get(queue);
    if (known === undefined || dueAt < known) this.queueChanges.set(queue, dueAt);
  }

  cleared(queue: number): void {
    this.clearedQueues.push(queue);
  }

  count(counter: string, by: number): void {
    this.counters.set(counter, (this.counters.get(counter) ?? 0) + by);
  }
}
