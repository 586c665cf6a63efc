import { VERSIONS_MAX } from '@eco/contracts';
import { z } from 'zod';

const ETAG = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"';
const LIST = new RegExp(`^(?:${ETAG})(?:[ \\t]*,[ \\t]*${ETAG})*$`);
/** The tag of a version. A weak one never matches (RFC 9110, 13.1.1). */
const VERSION = /^"([1-9][0-9]{0,8})"$/;
/** No product has it, because versions begin with 1. */
const NO_VERSION = 0;

/**
 * Reads `If-Match`: `*`, or entity tags. Returns the versions of which the product must have one. Undefined: any, as
 * with `*`, because a change of an unknown product is refused in any case.
 */
export const ifMatchSchema = z
  .string()
  .transform((text, context): number[] | undefined => {
    if (text.trim() === '*') return undefined;
    const tags = LIST.test(text.trim()) ? text.trim().match(new RegExp(ETAG, 'g')) : null;
    if (tags === null || tags.length > VERSIONS_MAX) {
      context.addIssue(`must be * or at most ${VERSIONS_MAX} entity tags, such as "3"`);
      return z.NEVER;
    }
    const versions = tags.flatMap((tag) => VERSION.exec(tag)?.[1] ?? []).map(Number);
    return versions.length > 0 ? versions : [NO_VERSION];
  })
  .meta({
    description: 'Change the product only if it has this version, which `ETag` stated. `*`: any version',
    // It works for every product.
    examples: ['*'],
  });

export function etagOf(version: unknown): string {
  return `"${String(version)}"`;
}
