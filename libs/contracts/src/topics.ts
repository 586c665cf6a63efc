import { z } from 'zod';

/** What changes are about. Each topic is a log of its own, readable in order at `GET /changes`. */
export const topicSchema = z.enum(['orders', 'stock', 'products', 'customers', 'carts']);
export type Topic = z.infer<typeof topicSchema>;
export const topics = topicSchema.options;
