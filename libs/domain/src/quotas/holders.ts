import { BRANCH_SILENCE_DAYS_MAX, type CommandOf, type EntryKind } from '@eco/contracts';
import type { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import { isSettled, mayUsePool } from '../quota/recovery.js';
import { judgeEntry, whyNoUnits, type EntryJudgement } from '../quota/holder-record.js';
import { placeKey, type Holder, type HolderRow } from './holder.js';

type Stored = Pick<BatchState, 'holders' | 'entries' | 'awaitedBranches' | 'at'>;

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

  /** Why the home gives the branch no units. A branch that has sent no entry is silent. */
  whyNoUnits(branchId: string): 'frozen' | 'silent' | undefined {
    const holder = this.find(branchId);
    const record = {
      incarnation: holder?.incarnation ?? 0,
      contactAtMs: holder && Date.parse(holder.contactAt),
      isFrozen: this.isFrozen(branchId),
    };
    return whyNoUnits(record, Date.parse(this.#stored.at), BRANCH_SILENCE_DAYS_MAX * DAY_MS);
  }

  isFrozen(branchId: string): boolean {
    return (this.find(branchId)?.frozenReason ?? null) !== null;
  }

  /**
   * The restore after which the home waits for the entries of this branch. Undefined: it does not wait for the branch,
   * or has its entries again.
   */
  awaitedEpochOf(branchId: string): string | undefined {
    const awaitedEpoch = this.#stored.awaitedBranches.get(branchId);
    if (awaitedEpoch === undefined) return undefined;
    const settledEpoch = this.find(branchId)?.settledEpoch ?? null;
    return isSettled<string | null>({ awaitedEpoch, settledEpoch }) ? undefined : awaitedEpoch;
  }

  /** Whether units of the pool may be promised. After a restore, branches may hold units that the home has forgotten. */
  get mayUsePool(): boolean {
    const contacts = [...this.#stored.awaitedBranches].map(([branchId, awaitedEpoch]) => ({
      awaitedEpoch,
      settledEpoch: this.find(branchId)?.settledEpoch ?? null,
    }));
    return mayUsePool<string | null>(contacts);
  }

  /** Branches that have not sent their entries again after a restore. */
  get awaited(): string[] {
    const { awaitedBranches } = this.#stored;
    return [...awaitedBranches.keys()].filter((branchId) => this.awaitedEpochOf(branchId) !== undefined);
  }

  /** The branch has sent its entries again after this restore. */
  settle(branchId: string, epoch: string): void {
    this.#workingCopy(branchId).settledEpoch = epoch;
  }

  /** Whether this entry was decided before, although its outcome may have been removed since. */
  isNoted({ id, body }: CommandOf<EntryKind>): boolean {
    return this.#at(placeKey(body)).includes(id);
  }

  /**
   * Notes that the branch sent this entry, whatever is decided about it. After a fork, two databases run as this branch
   * and each spends the units of the other. So the branch gets no more until a manager has found out why.
   *
   * A replay of a dead letter is no sign of a copy: the entry came before the later incarnation reported.
   */
  note({ id, body, replay }: CommandOf<EntryKind>): EntryJudgement {
    const { branchId, incarnation, sequence } = body;
    const key = placeKey(body);
    const others = this.#at(key);
    const holder = this.#workingCopy(branchId);
    const judgement = judgeEntry(holder, body, others.length > 0);
    holder.contactAt = this.#stored.at;
    if (judgement.type === 'fork') {
      if (judgement.why === 'place-taken') {
        this.#freeze(holder, `two entries have the number ${sequence} of incarnation ${incarnation}`);
      } else if (replay === undefined) {
        const reported = `after incarnation ${holder.incarnation} had reported`;
        this.#freeze(holder, `entry ${sequence} of incarnation ${incarnation} came ${reported}`);
      }
    }
    if (judgement.type === 'new-incarnation') Object.assign(holder, { incarnation, sequence });
    if (incarnation === holder.incarnation) holder.sequence = Math.max(holder.sequence, sequence);
    this.#entries.set(key, [...others, id]);
    this.#effects.entries.push({ branchId, incarnation, sequence, commandId: id, bucket: holder.bucket });
    return judgement;
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
        settledEpoch: stored?.settledEpoch ?? null,
        bucket: this.#buckets.of(branchId),
      };
      this.#working.set(branchId, row);
      this.#effects.holders.push(row);
    }
    return row;
  }
}
