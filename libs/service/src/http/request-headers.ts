import { z } from 'zod';

/** Headers of operations; keys in Node's spelling, in lower case. */

/** Longest wait that a client may request, s. A longer one is reduced to it, and the response says so. */
export const WAIT_SECONDS_MAX = 30;

/**
 * `Idempotency-Key`: 1 to 128 visible ASCII characters. A key sent twice, which Node joins by a comma and a space, is a
 * violation.
 */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters without spaces')
  .meta({
    description:
      'A repeat with the same key has no second effect and gets the first outcome, at whichever API it comes: Central or any ' +
      'branch. A key stands for one kind of request of one customer (one product, where it is about a product); what makes ' +
      'an order (placing, checkout, confirming a reservation) is one kind. A key belongs to the account of its token. All ' +
      'clients without a token are one client, so they choose keys that no other client chooses, such as UUIDs. Another ' +
      'request under the key is refused with 422 key-conflict. Keys are kept for at least 90 days',
    // No example: a form that sends it with each click would get the first outcome again.
  });

/**
 * Reads `wait=<seconds>` from `Prefer` (RFC 7240): how long the client is willing to wait for the outcome. The first
 * `wait` counts. Other and malformed preferences are ignored, as the RFC requires. Returns whole seconds, or undefined
 * if the client requested none.
 */
export const preferWaitSchema = z
  .string()
  .transform((text): number | undefined => {
    const wait = text.length <= PREFER_LENGTH_MAX ? waitOf(text) : undefined;
    return wait !== undefined && /^[0-9]+$/.test(wait) ? Math.min(Number(wait), WAIT_SECONDS_MAX) : undefined;
  })
  .meta({
    description: `wait=N: respond with the outcome, within N s (at most ${WAIT_SECONDS_MAX})`,
    examples: ['wait=5'],
  });

/** A longer header is ignored, so that reading it takes bounded time. */
const PREFER_LENGTH_MAX = 1000;

/**
 * Text of the first `wait` preference, without quotes. `foo="wait=1, x"` contains none, so a plain split does not
 * suffice.
 */
function waitOf(text: string): string | undefined {
  for (const preference of text.match(/(?:"(?:\\.|[^"\\])*"|[^",])+/g) ?? []) {
    const match = /^\s*wait\s*(?:=\s*("(?:\\.|[^"\\])*"|[^\s;]*))?\s*(?:;.*)?$/i.exec(preference);
    if (match) return (match[1] ?? '').replace(/^"|"$/g, '');
  }
  return undefined;
}
