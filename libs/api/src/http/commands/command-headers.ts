import { z } from 'zod';
import type { Caller } from '@eco/access';
import { headers, type Actor } from '@eco/contracts';
import { idempotencyKeySchema, preferWaitSchema } from '@eco/service';

/** Headers of every request that becomes a command. */
export const commandHeadersSchema = z.object({
  'idempotency-key': idempotencyKeySchema.optional(),
  prefer: preferWaitSchema.optional(),
});

/** Input that every request for a command has in addition to the command's own fields. */
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

/** The person or program that requests a command, as the outcome will state it. Undefined: the client has no token. */
export function actorOf({ principal: { id, role, branchId } }: Caller): Actor | undefined {
  return role === 'anonymous' ? undefined : { id, branchId };
}

/** Headers of every response with a decision. */
export const DECIDED_HEADERS = [headers.position, headers.preferenceApplied, headers.idempotentReplayed];
