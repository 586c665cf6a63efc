import type { ChangeType, CommandKind, CommandOf, RefusalReason } from '@eco/contracts';
import type { NeededKeys } from './state.js';
import type { WorkingState } from './working-state.js';

/** What the rules of a kind say about one command. Rows of its own (an order, an item) they have added by then. */
export type Decision =
  | {
      type: 'decided';
      status: 'done' | 'refused';
      result: Record<string, unknown>;
      /** What `GET /changes` shows under the kind's topic; null: nothing changed, or movements say it all. */
      change: { type: ChangeType; data: Record<string, unknown> } | null;
    }
  /** It needs what another group owns. Nothing was done. */
  | { type: 'not-owned'; reason: string };

/** The keys of a batch as they are gathered. */
export type KeySets = { [List in keyof NeededKeys]: Set<string> };

/** All that is particular to one kind of command: a new kind is a file with these and a line in `kinds.ts`. */
export interface Rules<K extends CommandKind> {
  /** Adds the keys of what `decide` will ask the state for. */
  need(command: CommandOf<K>, keys: KeySets): void;
  /** Adds to the state what the command does: all of it, or nothing where it is refused. */
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

/** Refused for a reason of the contract; `members` say more. */
export function refusedFor(reason: RefusalReason, members: Record<string, unknown> = {}): Decision {
  return refused({ reason, ...members });
}

/** Where some of these products lie in buckets of other groups; undefined: all are here. */
export function notOwned(productIds: readonly string[], { buckets }: WorkingState): Decision | undefined {
  const elsewhere = productIds.filter((productId) => !buckets.isOwned(buckets.of(productId)));
  if (elsewhere.length === 0) return undefined;
  return { type: 'not-owned', reason: `this group does not own the bucket of ${elsewhere.join(', ')}` };
}
