import { spellingsOf, whyNoCustomerId } from '@eco/contracts';
import { problem } from '@eco/service';

/**
 * Reads what is stored about a customer: under the id in NFC and, if nothing is found there, under the id as given,
 * because an earlier version stored it so. `at`: place of the id in the request. An id that no customer can have any more
 * and that none has is a violation.
 */
export async function readOfCustomer<A>(
  given: string,
  at: string,
  read: (customerId: string) => Promise<A>,
  isFound: (read: A) => boolean,
): Promise<A> {
  let latest: A | undefined;
  for (const customerId of spellingsOf(given)) {
    latest = await read(customerId);
    if (isFound(latest)) return latest;
  }
  const message = whyNoCustomerId(given);
  if (message !== undefined) throw problem('bad-input', { faults: [{ at, message }] });
  return latest as A;
}
