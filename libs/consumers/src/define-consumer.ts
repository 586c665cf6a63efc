import type { EntityManager, EntityTarget, ObjectLiteral } from 'typeorm';
import {
  consumerDeclarations,
  type ReceivedChange,
  type ConsumerName,
  type ConsumerSchema,
  type Topic,
} from '@eco/contracts';
import type { Summary } from '@eco/reads';

/** `Row`: what the consumer applies, changes or rows of its summaries. */
export interface ConsumerDefinition<Row = ReceivedChange> {
  readonly name: ConsumerName;
  /** Tables of its schema that are read or written as entities. */
  readonly entities: readonly EntityTarget<ObjectLiteral>[];
  /**
   * Interval at which the consumer applies changes under load, ms. The first change after a pause is applied at once.
   */
  readonly paceMs: number;
  /**
   * What the database makes of a page of changes of a topic. The consumer applies these rows in place of the changes: for
   * sums, reading every change costs ten times as much.
   */
  readonly summaries?: Partial<Record<Topic, Summary<Row>>>;
  /** Applies a page of one topic of a group in the transaction given. */
  apply(manager: EntityManager, rows: readonly Row[], group: string): Promise<void>;
}

/**
 * A consumer with the code that applies its changes. The code need not handle queues, gaps or repeats: each change
 * arrives once, in order.
 */
export interface Consumer<Row = unknown> extends ConsumerDefinition<Row> {
  readonly schema: ConsumerSchema;
  readonly topics: readonly Topic[];
}

/** Completes a consumer with its topics and its schema, which `consumerDeclarations` has. */
export function defineConsumer<Row = ReceivedChange>(definition: ConsumerDefinition<Row>): Consumer<Row> {
  return { ...consumerDeclarations[definition.name], ...definition };
}
