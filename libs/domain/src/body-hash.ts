import { hash } from 'node:crypto';
import { canonicalJson, type Command } from '@eco/contracts';

/**
 * SHA-256 of what the client asked, hex: of `canonicalJson({ kind, body })` without the branch. The same for every sending
 * of one command, however it is spelled and by whichever API it came, and another for whatever else comes under its id.
 * Time and sender are in the envelope and do not count; nor does the branch, which the API adds.
 */
export function bodyHash(command: Command): string {
  return hash('sha256', canonicalText(command), 'hex');
}

/** Whether a hash that is stored is of this command's body; before, it was made of the branch too. */
export function isBodyOf(command: Command, storedHash: string): boolean {
  return storedHash === bodyHash(command) || storedHash === formerBodyHash(command);
}

/** The hash as it was made before a request could be repeated at another API; undefined: it was no other. */
export function formerBodyHash({ kind, body }: Command): string | undefined {
  return 'branchId' in body ? hash('sha256', canonicalJson({ kind, body }), 'hex') : undefined;
}

function canonicalText({ kind, body }: Command): string {
  if (kind !== 'order.place') return canonicalJson({ kind, body: { ...body, branchId: undefined } });
  // Most of all commands: 0.4 µs with the keys laid in order here, 3.4 µs by sorting them (2 lines, Node 24).
  const lines = body.lines.map(({ productId, quantity }) => ({ productId, quantity }));
  const { customerId, orderId } = body;
  return JSON.stringify({ body: { customerId, lines, orderId }, kind });
}
