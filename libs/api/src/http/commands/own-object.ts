import type { Caller } from '@eco/access';
import { problem } from '@eco/service';
import { storedObjects, type Owners, type StoredNoun } from '../../branch/owners.js';

/**
 * Responds to staff of another branch as to an unknown id. Other callers need no check here: the command contains the
 * customer of the token, and the writer's rules compare it. An id that no node shows yet is accepted, because a
 * cancellation may overtake its order.
 */
export async function refuseForeign(owners: Owners, caller: Caller, noun: StoredNoun, id: string): Promise<void> {
  if (caller.reach !== 'own branch') return;
  if (await owners.isForeign(noun, id, caller)) throw problem(storedObjects[noun].unknown);
}
