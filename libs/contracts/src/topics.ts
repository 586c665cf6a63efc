import { z } from 'zod';

/** Subjects of changes. Each topic is a separate log, readable in order at `GET /changes`. */
export const topicSchema = z.enum(['orders', 'stock', 'products', 'customers', 'carts']);
export type Topic = z.infer<typeof topicSchema>;
export const topics = topicSchema.options;
