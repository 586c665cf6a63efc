import type { Change, Topic } from '@eco/contracts';
import type { ConsumerSchema, EntityManager } from '@eco/database';
import type { EventConsumer } from '@eco/broker';

/**
 * What a consumer does with changes. It knows nothing about queues, gaps or repeats: each change arrives once, in
 * order.
 */
export interface Consumer {
  readonly name: EventConsumer;
  readonly schema: ConsumerSchema;
  readonly topics: readonly Topic[];
  /** Interval at which it applies changes under load, ms; the first change after a pause is applied at once. */
  readonly paceMs: number;
  /** Applies some changes of one topic of a group in the transaction given. */
  apply(manager: EntityManager, changes: readonly Change[], group: string): Promise<void>;
}
