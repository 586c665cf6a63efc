import { z } from 'zod';
import type { Caller } from '@eco/access';
import type { TraceParent } from '@eco/base';
import { headers } from '@eco/contracts';
import type { Requester } from '@eco/intake';
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
  readonly trace: TraceParent | undefined;
  readonly caller: Caller;
}

/** Headers of a request that is decided before the response. It must have a key, so that a repeat is recognized. */
export const decidedHeadersSchema = z.object({
  'idempotency-key': idempotencyKeySchema,
  prefer: preferWaitSchema.optional(),
});
export type DecidedInput = CommandInput<z.output<typeof decidedHeadersSchema>>;

/** The client that requests a command, and its key. */
export function requesterOf({ caller: { principal }, headers }: Pick<CommandInput, 'caller' | 'headers'>): Requester {
  return { principal, idempotencyKey: headers['idempotency-key'] };
}

/** Headers of every response with a decision. */
export const DECIDED_HEADERS = [headers.position, headers.preferenceApplied, headers.idempotentReplayed];
