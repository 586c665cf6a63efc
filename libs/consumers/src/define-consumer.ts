import type { EntityManager, EntityTarget, ObjectLiteral } from 'typeorm';
import {
  consumerDeclarations,
  type ReceivedChange,
  type ConsumerName,
  type ConsumerSchema,
  type Topic,
} from '@eco/contracts';

export interface ConsumerDefinition {
  readonly name: ConsumerName;
  /** Tables of its schema that are read or written as entities. */
  readonly entities: readonly EntityTarget<ObjectLiteral>[];
  /**
   * Interval at which the consumer applies changes under load, ms. The first change after a pause is applied at once.
   */
  readonly paceMs: number;
  /** Applies some changes of one topic of a group in the transaction given. */
  apply(manager: EntityManager, changes: readonly ReceivedChange[], group: string): Promise<void>;
}

/**
 * A consumer with the code that applies its changes. The code need not handle queues, gaps or repeats: each change
 * arrives once, in order.
 */
export interface Consumer extends ConsumerDefinition {
  readonly schema: ConsumerSchema;
  readonly topics: readonly Topic[];
}

/** Completes a consumer with its topics and its schema, which `consumerDeclarations` has. */
export function defineConsumer(definition: ConsumerDefinition): Consumer {
  return { ...consumerDeclarations[definition.name], ...definition };
}
