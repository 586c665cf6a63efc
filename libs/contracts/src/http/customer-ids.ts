import { z } from 'zod';
import { customerIdSchema } from '../primitives.js';

/*
 * Ids of customers in requests (ADR 0100). Ids that look alike to people must be one id to programs, so a request that
 * may begin something has a clean id in Unicode's composed form (NFC). Commands, changes and responses may contain older
 * ids, so `customerIdSchema` accepts them.
 */

/** Characters that no reader sees, and code points that Unicode may still define. */
const UNSEEN = /(?!\p{Bidi_Control})[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cn}\p{Co}\p{Zl}\p{Zp}\u2800]/u;
/** A space that looks like the plain one. */
const OTHER_SPACE = /(?! )\p{Zs}/u;
const PADDED = /^ | $/;
/** Programs resolve these as a part of a path, also in percent-encoding (WHATWG URL, 4.4). */
const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i;

const LENGTH_MAX = 128;

/** Every reason why no new customer may have this id, which is in NFC. */
function idViolations(id: string): string[] {
  return [
    ...(/\p{Bidi_Control}/u.test(id) ? ['must not hold characters that change the direction of text'] : []),
    ...(UNSEEN.test(id) ? ['must not hold invisible characters'] : []),
    ...(OTHER_SPACE.test(id) ? ['must not hold another space than U+0020'] : []),
    ...(PADDED.test(id) ? ['must not begin or end with a space'] : []),
    ...(/^\p{M}/u.test(id) ? ['must not begin with a combining mark'] : []),
    ...(DOT_SEGMENT.test(id) ? ['must not be a dot segment of a path, such as "." or ".."'] : []),
    ...(id.length > LENGTH_MAX ? [`must be at most ${LENGTH_MAX} characters in NFC`] : []),
  ];
}

/** The customer of a request that may begin something, in NFC. */
export const namedCustomerIdSchema = customerIdSchema
  .transform((id, context): string => {
    const composed = id.normalize('NFC');
    const violations = idViolations(composed);
    violations.forEach((violation) => context.addIssue(violation));
    return violations.length === 0 ? composed : z.NEVER;
  })
  .meta({
    type: 'string',
    minLength: 1,
    maxLength: LENGTH_MAX,
    description:
      'Customer, 1 to 128 characters. Normalised to NFC; without invisible characters, without spaces at its ends, and no ' +
      'dot segment',
    examples: ['ana'],
  });

/** Why a request that may begin something would refuse this id. Undefined: it accepts it. */
export function whyNoCustomerId(id: string): string | undefined {
  return namedCustomerIdSchema
    .safeParse(id)
    .error?.issues.map(({ message }) => message)
    .join('; ');
}

/**
 * The ids that a request about something stored may mean, the most probable first: the one in NFC, and the one as given,
 * under which an earlier version may have stored it.
 */
export function spellingsOf(customerId: string): readonly [string, ...string[]] {
  const composed = customerId.normalize('NFC');
  return composed === customerId ? [customerId] : [composed, customerId];
}
