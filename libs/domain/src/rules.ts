import type {
  ChangeOf,
  CommandKind,
  CommandOf,
  DoneResult,
  OwnedKind,
  RefusalDetails,
  RefusalReason,
  RefusedResult,
  RejectedResult,
  RejectionChangeOf,
} from '@eco/contracts';
import type { KeySets } from './state.js';
import type { WorkingState } from './working-state.js';

/**
 * The decision of a kind's rules about one command. Only results, reasons and changes of the kind's descriptor compile.
 * When the rules return it, they have already added their own rows, such as an order or an item.
 */
export type Decision<K extends CommandKind> = Done<K> | Refused<RefusalReason<K>> | Rejected<K> | NotOwned;

export interface Done<K extends CommandKind> {
  type: 'decided';
  status: 'done';
  result: DoneResult<K>;
  /**
   * The change that `GET /changes` shows under the kind's topic. Null: nothing changed, or the movements show the
   * change.
   */
  change: ChangeOf<K> | null;
}

/** The command had no effect. */
export interface Refused<R extends RefusalReason> {
  type: 'decided';
  status: 'refused';
  result: RefusedResult<R>;
  change: null;
}

/** The command was refused, and the refusal itself is stored and published. */
export interface Rejected<K extends CommandKind> {
  type: 'decided';
  status: 'refused';
  result: RejectedResult<K>;
  change: RejectionChangeOf<K>;
}

/** The command needs data of another group. It had no effect. */
export interface NotOwned {
  type: 'not-owned';
  reason: string;
}

/** Everything specific to one kind of command: a new kind is a file with these functions and a line in `kinds.ts`. */
export interface Rules<K extends CommandKind> {
  /** Adds the keys of everything that `decide` will read from the state. */
  need(command: CommandOf<K>, keys: KeySets): void;
  /**
   * Adds the command's effects to the state: all of them, or nothing if it is refused. A branch's entry is noted in both
   * cases. `owner`: the branch for which the command is decided, or `central`.
   */
  decide(command: CommandOf<K>, state: WorkingState, owner: string): Decision<K>;
}

/** Rules of a kind that a branch may send only for stored objects of its own. */
export interface OwnedRules<K extends OwnedKind> extends Rules<K> {
  /**
   * Owner of the stored object that the command acts on: a branch or `central`. Undefined: no such object is stored.
   */
  ownerOf(command: CommandOf<K>, state: WorkingState): string | undefined;
}

export function done<K extends CommandKind>(result: DoneResult<K>, change: ChangeOf<K> | null = null): Done<K> {
  return { type: 'decided', status: 'done', result, change };
}

/** `details` are required if the reason has a required detail. */
export function refused<R extends RefusalReason>(
  reason: R,
  ...[details]: object extends RefusalDetails<R> ? [RefusalDetails<R>?] : [RefusalDetails<R>]
): Refused<R> {
  return { type: 'decided', status: 'refused', result: { reason, ...details } as RefusedResult<R>, change: null };
}

export function rejected<K extends CommandKind>(result: RejectedResult<K>, change: RejectionChangeOf<K>): Rejected<K> {
  return { type: 'decided', status: 'refused', result, change };
}

export function notOwned(productIds: readonly string[]): NotOwned {
  return { type: 'not-owned', reason: `this group does not own the bucket of ${productIds.join(', ')}` };
}

/** Undefined: this group owns the buckets of all these products. */
export function whyNotOwned(productIds: readonly string[], { buckets }: WorkingState): NotOwned | undefined {
  const elsewhere = productIds.filter((productId) => !buckets.isOwned(buckets.of(productId)));
  return elsewhere.length === 0 ? undefined : notOwned(elsewhere);
}
