import { z } from 'zod';

/** What an operator may ask of the process of `eco up`, which owns services and servers. */
export const operationSchema = z.discriminatedUnion('type', [
  /** Makes another node the primary, with nothing lost. */
  z.strictObject({ type: z.literal('switchover'), group: z.string().optional(), to: z.string().optional() }),
  /** Replaces a lost primary. Without `acceptLoss` it only states what would be lost. */
  z.strictObject({ type: z.literal('failover'), group: z.string().optional(), acceptLoss: z.boolean() }),
  /** Copies a replica from its primary again. */
  z.strictObject({ type: z.literal('reinit'), node: z.string() }),
  /** Stops a service and starts it with its present program and settings. */
  z.strictObject({ type: z.literal('restart'), service: z.string() }),
  /** Stops a service until it is restarted. */
  z.strictObject({ type: z.literal('stop'), service: z.string() }),
]);

export type Operation = z.output<typeof operationSchema>;

/** An operation on the servers of a group. */
export type ServerOperation = Exclude<Operation, { type: 'restart' | 'stop' }>;
