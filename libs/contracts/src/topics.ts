import { z } from 'zod';

/** Subjects of changes. Each topic is a separate log, readable in order at `GET /changes`. */
export const topicSchema = z.enum(['orders', 'stock', 'products', 'customers', 'carts', 'sales', 'quotas']);
export type Topic = z.infer<typeof topicSchema>;
export const topics = topicSchema.options;

/**
 * Topics whose changes contain personal data. Their events contain no changes, so that no queue keeps a person's data
 * longer than the database does. Consumers read them from `GET /changes`.
 */
export const personalTopics: ReadonlySet<Topic> = new Set(['customers']);
