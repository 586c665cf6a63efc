import { z } from 'zod';

/** Headers that operations take; keys as Node spells them, in lower case. */

/** Longest wait that a client may ask for, s. A longer one is cut to it, and the answer says so. */
export const WAIT_SECONDS_MAX = 30;

/**
 * `Idempotency-Key`: 1 to 128 visible ASCII characters. One that came twice, which Node joins by a comma and a space, is
 * a fault.
 */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters without spaces')
  .meta({ description: 'A repeat with the same key has no second effect', examples: ['b8f6d3c2-1'] });

/**
 * `Prefer` (RFC 7240), of which we know `wait=<seconds>`: how long the client would wait for the outcome. Other preferences are
 * ignored, as the RFC wants; the first `wait` counts. Gives whole seconds, undefined when none was asked for.
 */
export const preferWaitSchema = z
  .string()
  .max(1000, 'must be at most 1000 characters')
  .transform((text, context) => {
    const wait = waitOf(text);
    if (wait === undefined) return undefined;
    if (/^\d{1,9}$/.test(wait)) return Math.min(Number(wait), WAIT_SECONDS_MAX);
    context.addIssue(`wait must be a whole number of seconds, not ${JSON.stringify(wait.slice(0, 40))}`);
    return z.NEVER;
  })
  .meta({
    description: `wait=N: answer with the outcome, within N s (at most ${WAIT_SECONDS_MAX})`,
    examples: ['wait=5'],
  });

/** Text of the first `wait` preference; quotes taken off. `foo="wait=1, x"` holds none, hence no plain split. */
function waitOf(text: string): string | undefined {
  for (const preference of text.match(/(?:"(?:\\.|[^"\\])*"|[^",])+/g) ?? []) {
    const match = /^\s*wait\s*(?:=\s*("(?:\\.|[^"\\])*"|[^\s;]*))?\s*(?:;.*)?$/i.exec(preference);
    if (match) return (match[1] ?? '').replace(/^"|"$/g, '');
  }
  return undefined;
}
