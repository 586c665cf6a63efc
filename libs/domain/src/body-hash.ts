import { hash } from 'node:crypto';
import { canonicalJson, type Command, type CommandBody } from '@eco/contracts';

/**
 * SHA-256 of the client's request, hex: of `canonicalJson({ kind, body })` without the branch. It is the same for every
 * sending of one command, in any spelling and through any API, and different for any other content under its id. It
 * does not include the envelope with time and sender, or the branch, which the API adds.
 */
export function bodyHash(command: Command): string {
  return hash('sha256', canonicalText(command), 'hex');
}

/** Whether a stored hash belongs to this command's body; the former hash included the branch. */
export function isBodyOf(command: Command, storedHash: string): boolean {
  return storedHash === bodyHash(command) || storedHash === formerBodyHash(command);
}

/**
 * The hash that earlier versions stored, when a request could not yet be repeated at another API. Undefined: it is the
 * same hash.
 */
export function formerBodyHash({ kind, body }: Command): string | undefined {
  return 'branchId' in body ? hash('sha256', canonicalJson({ kind, body }), 'hex') : undefined;
}

function canonicalText({ kind, body }: Command): string {
  if (kind !== 'order.place' || hasUnknownFields(body)) {
    return canonicalJson({ kind, body: { ...body, branchId: undefined } });
  }
  // Most commands take this path: 0.4 µs with the keys written in order, 3.4 µs by sorting them (2 lines, Node 24).
  const lines = body.lines.map(({ productId, quantity }) => ({ productId, quantity }));
  const { customerId, orderId } = body;
  return JSON.stringify({ body: { customerId, lines, orderId }, kind });
}

/** Whether the body has fields that only a newer sender knows. They are part of the request, so they are hashed too. */
function hasUnknownFields(body: CommandBody<'order.place'>): boolean {
  return Object.keys(body).length > 4 || body.lines.some((line) => Object.keys(line).length > 2);
}
