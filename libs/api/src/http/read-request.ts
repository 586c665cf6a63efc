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
    description: 'How far the answer must see: the position of an earlier answer, or order/<id> of a 202',
    examples: ['g1=7.1f0c5e9a.1234'],
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
  prefer: preferWaitSchema.optional(),
});

export function readOptionsOf(headers: z.output<typeof readHeadersSchema>): ReadOptions {
  return {
    position: headers['ecomarket-position'] ?? NO_POSITION,
    lagMsMax: headers['ecomarket-max-lag-ms'],
    waitMs: (headers.prefer ?? 0) * 1000,
  };
}
