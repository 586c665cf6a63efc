import type { Change, ConsumerName, ConsumerSchema, Topic } from '@eco/contracts';
import type { EntityManager } from '@eco/database';

/**
 * What a consumer does with changes. It knows nothing about queues, gaps or repeats: each change arrives once, in
 * order.
 */
export interface Consumer {
  readonly name: ConsumerName;
  readonly schema: ConsumerSchema;
  readonly topics: readonly Topic[];
  /** Interval at which it applies changes under load, ms; the first change after a pause is applied at once. */
  readonly paceMs: number;
  /** Applies some changes of one topic of a group in the transaction given. */
  apply(manager: EntityManager, changes: readonly Change[], group: string): Promise<void>;
}
