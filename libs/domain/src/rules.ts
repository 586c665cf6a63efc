import type { ChangeType, CommandKind, CommandOf, RefusalReason } from '@eco/contracts';
import type { KeySets } from './state.js';
import type { WorkingState } from './working-state.js';

/** A kind's decision about one command. The rules have added rows of their own (an order, an item) by then. */
export type Decision =
  | {
      type: 'decided';
      status: 'done' | 'refused';
      result: Record<string, unknown>;
      /** What `GET /changes` shows under the kind's topic; null: nothing changed, or the movements show it. */
      change: { type: ChangeType; data: Record<string, unknown> } | null;
    }
  /** It needs data of another group. Nothing was done. */
  | { type: 'not-owned'; reason: string };

/** Everything specific to one kind of command: a new kind is a file with these functions and a line in `kinds.ts`. */
export interface Rules<K extends CommandKind> {
  /** Adds the keys of everything that `decide` will read from the state. */
  need(command: CommandOf<K>, keys: KeySets): void;
  /** Adds the command's effects to the state: all of them, or nothing if it is refused. */
  decide(command: CommandOf<K>, state: WorkingState): Decision;
}

export function done(
  result: Record<string, unknown>,
  change: (Decision & { type: 'decided' })['change'] = null,
): Decision {
  return { type: 'decided', status: 'done', result, change };
}

export function refused(
  result: Record<string, unknown>,
  change: (Decision & { type: 'decided' })['change'] = null,
): Decision {
  return { type: 'decided', status: 'refused', result, change };
}

/** Refused for a reason in the contract; `members` add details. */
export function refusedFor(reason: RefusalReason, members: Record<string, unknown> = {}): Decision {
  return refused({ reason, ...members });
}

/** A decision if some of these products are in other groups' buckets; undefined: all are here. */
export function notOwned(productIds: readonly string[], { buckets }: WorkingState): Decision | undefined {
  const elsewhere = productIds.filter((productId) => !buckets.isOwned(buckets.of(productId)));
  if (elsewhere.length === 0) return undefined;
  return { type: 'not-owned', reason: `this group does not own the bucket of ${elsewhere.join(', ')}` };
}
