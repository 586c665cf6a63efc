import { z } from 'zod';
import type { Caller } from '@eco/access';
import { headers, type Actor } from '@eco/contracts';
import { idempotencyKeySchema, preferWaitSchema } from '@eco/service';

/** Headers of every request that becomes a command. */
export const commandHeadersSchema = z.object({
  'idempotency-key': idempotencyKeySchema.optional(),
  prefer: preferWaitSchema.optional(),
});

/** What every request that becomes a command has in addition to what the command is about. */
export interface CommandInput<Headers = z.output<typeof commandHeadersSchema>> {
  readonly headers: Headers;
  readonly correlationId: string;
  readonly caller: Caller;
}

/** Headers of a request that is decided before the response. It must have a key, so that a repeat is recognized. */
export const decidedHeadersSchema = z.object({
  'idempotency-key': idempotencyKeySchema,
  prefer: preferWaitSchema.optional(),
});
export type DecidedInput = CommandInput<z.output<typeof decidedHeadersSchema>>;

/** Who asked for a command, as its outcome states it. A client without a token is nobody. */
export function actorOf({ principal: { id, role, branchId } }: Caller): Actor | undefined {
  return role === 'anonymous' ? undefined : { id, branchId };
}

/** Headers of every response with a decision. */
export const DECIDED_HEADERS = [headers.position, headers.preferenceApplied, headers.idempotentReplayed];
