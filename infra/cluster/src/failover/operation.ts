import { z } from 'zod';

/** What an operator may ask of a group whose servers `eco up` owns. */
export const operationSchema = z.discriminatedUnion('type', [
  /** Makes another node the primary, with nothing lost. */
  z.strictObject({ type: z.literal('switchover'), group: z.string().optional(), to: z.string().optional() }),
  /** Replaces a lost primary. Without `acceptLoss` it only states what would be lost. */
  z.strictObject({ type: z.literal('failover'), group: z.string().optional(), acceptLoss: z.boolean() }),
  /** Copies a replica from its primary again. */
  z.strictObject({ type: z.literal('reinit'), node: z.string() }),
]);

export type Operation = z.output<typeof operationSchema>;
