import { z } from 'zod';
import { headers } from '@eco/contracts';
import { idempotencyKeySchema, preferWaitSchema } from '@eco/edge';

/** Headers of every request that becomes a command. */
export const commandHeadersSchema = z.object({
  'idempotency-key': idempotencyKeySchema.optional(),
  prefer: preferWaitSchema.optional(),
});
export type CommandHeaders = z.output<typeof commandHeadersSchema>;

/** Headers of every answer that tells what was decided. */
export const DECIDED_HEADERS = [headers.position, headers.preferenceApplied, headers.idempotentReplayed];
