import { BRANCH_SILENCE_DAYS_MAX, type CommandOf, type EntryKind } from '@eco/contracts';
import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import { placeKey, type Holder, type HolderRow } from './holder.js';

type Stored = Pick<BatchState, 'holders' | 'entries' | 'at'>;

const DAY_MS = 86_400_000;

/** The branches that hold units: as loaded, plus the entries of this batch. */
export class Holders {
  readonly #working = new Map<string, HolderRow>();
  readonly #entries = new Map<string, readonly string[]>();
  readonly #stored: Stored;
  readonly #buckets: Buckets;
  readonly #effects: Pick<Effects, 'holders' | 'entries'>;

  constructor(stored: Stored, buckets: Buckets, effects: Pick<Effects, 'holders' | 'entries'>) {
    this.#stored = stored;
    this.#buckets = buckets;
    this.#effects = effects;
  }

  /** Undefined: the branch has sent no entry. */
  find(branchId: string): Readonly<Holder> | undefined {
    return this.#working.get(branchId) ?? this.#stored.holders.get(branchId);
  }

  /**
   * True: the branch has sent no entry for too long, or never. The home then gives it no more units, because nobody
   * knows whether it still exists.
   */
  isSilent(branchId: string): boolean {
    const holder = this.find(branchId);
    if (holder === undefined) return true;
    return Date.parse(this.#stored.at) - Date.parse(holder.contactAt) > BRANCH_SILENCE_DAYS_MAX * DAY_MS;
  }

  isFrozen(branchId: string): boolean {
    return (this.find(branchId)?.frozenReason ?? null) !== null;
  }

  /** Whether this entry was decided before, although its outcome may have been removed since. */
  isNoted({ id, body }: CommandOf<EntryKind>): boolean {
    return this.#at(placeKey(body)).includes(id);
  }

  /**
   * Notes that the branch sent this entry, whatever is decided about it. If another entry has its place, or if a later
   * incarnation has reported, then two databases run as this branch. Each spends the units of the other, so the branch
   * gets no more until a manager has found out why.
   *
   * A replay of a dead letter is no sign of a former incarnation: the entry came before the later one reported.
   */
  note({ id, body, replay }: CommandOf<EntryKind>): void {
    const { branchId, incarnation, sequence } = body;
    const key = placeKey(body);
    const others = this.#at(key);
    const holder = this.#workingCopy(branchId);
    holder.contactAt = this.#stored.at;
    if (others.length > 0) {
      this.#freeze(holder, `two entries have the number ${sequence} of incarnation ${incarnation}`);
    } else if (incarnation < holder.incarnation && replay === undefined) {
      const reported = `after incarnation ${holder.incarnation} had reported`;
      this.#freeze(holder, `entry ${sequence} of incarnation ${incarnation} came ${reported}`);
    }
    if (incarnation === holder.incarnation) holder.sequence = Math.max(holder.sequence, sequence);
    this.#entries.set(key, [...others, id]);
    this.#effects.entries.push({ branchId, incarnation, sequence, commandId: id, bucket: holder.bucket });
  }

  /** Returns whether this is the incarnation's first report. Earlier incarnations are then former. */
  report({ body: { branchId, incarnation, sequence } }: CommandOf<'branch.report'>): boolean {
    const holder = this.#workingCopy(branchId);
    if (incarnation <= holder.incarnation) return false;
    Object.assign(holder, { incarnation, sequence });
    return true;
  }

  unfreeze(branchId: string): void {
    this.#workingCopy(branchId).frozenReason = null;
  }

  /** The first reason stays: what follows is its consequence. */
  #freeze(holder: HolderRow, reason: string): void {
    holder.frozenReason ??= reason;
  }

  #at(key: string): readonly string[] {
    return this.#entries.get(key) ?? this.#stored.entries.get(key) ?? [];
  }

  #workingCopy(branchId: string): HolderRow {
    let row = this.#working.get(branchId);
    if (row === undefined) {
      const stored = this.#stored.holders.get(branchId);
      row = {
        branchId,
        incarnation: stored?.incarnation ?? 0,
        sequence: stored?.sequence ?? 0,
        contactAt: stored?.contactAt ?? this.#stored.at,
        frozenReason: stored?.frozenReason ?? null,
        bucket: this.#buckets.of(branchId),
      };
      this.#working.set(branchId, row);
      this.#effects.holders.push(row);
    }
    return row;
  }
}
