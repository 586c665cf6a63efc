import { z } from 'zod';
import { preferWaitSchema } from '@eco/service';
import type { ReadOptions } from '@eco/reads';
import { NO_POSITION, parsePosition, type Position } from '@eco/routing';

const positionHeaderSchema = z
  .string()
  .transform((text, context): Position => {
    const parsed = parsePosition(text);
    if (parsed.ok) return parsed.position;
    parsed.violations.forEach((fault) => context.addIssue(fault));
    return z.NEVER;
  })
  .meta({
    description:
      'How far the answer must see: the position of an earlier answer, such as `g1=7.1f0c5e9a.1234`, or `order/<id>` of a 202',
    // It is accepted on every system, also on one that has decided nothing.
    examples: ['order/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e'],
  });

const lagMsMaxSchema = z
  .string()
  .regex(/^[0-9]{1,9}$/, 'must be a whole number of ms from 0 to 999999999, in digits only')
  .transform(Number)
  .meta({
    description: 'Greatest accepted lag of the answer, ms, known to within half a second. An unknown lag is too great',
    examples: ['2000'],
  });

/** Headers of every read; keys in Node's spelling. */
export const readHeadersSchema = z.object({
  'ecomarket-position': positionHeaderSchema.optional(),
  'ecomarket-max-lag-ms': lagMsMaxSchema.optional(),
  prefer: preferWaitSchema.optional().meta({
    description:
      'wait=N: wait up to N s (at most 30) for a node that is as fresh as requested, and for the decision about an order or ' +
      'a command that is not decided yet',
    examples: ['wait=5'],
  }),
});

export function readOptionsOf(headers: z.output<typeof readHeadersSchema>): ReadOptions {
  return {
    position: headers['ecomarket-position'] ?? NO_POSITION,
    lagMsMax: headers['ecomarket-max-lag-ms'],
    waitMs: (headers.prefer ?? 0) * 1000,
  };
}
