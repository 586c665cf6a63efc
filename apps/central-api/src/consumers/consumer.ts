import type { Change, Topic } from '@eco/contracts';
import type { ConsumerSchema, EntityManager } from '@eco/database';
import type { EventConsumer } from '@eco/broker';

/** What a consumer does with changes. It knows nothing of queues, gaps or repeats: each change comes once, in order. */
export interface Consumer {
  readonly name: EventConsumer;
  readonly schema: ConsumerSchema;
  readonly topics: readonly Topic[];
  /** Under load it applies what has come so often, ms; the first change after a rest at once. */
  readonly paceMs: number;
  /** Applies some changes of one topic of a group in the transaction given. */
  apply(manager: EntityManager, changes: readonly Change[], group: string): Promise<void>;
}
