import { randomUUID } from 'node:crypto';
import type { SuspectSet } from '@eco/database';
import type { Arrived } from '@eco/domain';

/*
 * A command over which the process ends can't be caught: whatever is written down must be written before. So what came
 * three times is tried apart from the rest, as a set whose ids are stored first. A leader that finds a set knows that a
 * reign ended over exactly these commands, and tries halves; one that was alone three times becomes a dead letter.
 * Everything else goes on, and in the common case, where nothing came three times, none of this costs anything.
 *
 *   came three times ──▶ set of n, tries 1 ──settled──▶ row gone
 *                           │ reign ends
 *                           ▼
 *                        two sets of n/2, tries 0 ──▶ each by itself, tries 1 … of one command: tries 2, 3, dead letter
 */

/** Suspicious is what was delivered so often before. */
export const SUSPICIOUS_DELIVERIES = 2;
/** Of one command alone. */
export const TRIES_MAX = 3;

/** What is settled by itself, in one transaction. */
export interface Part {
  /** Places in what arrived. */
  indices: number[];
  /** Undefined: nothing is suspicious about it. */
  suspect?: SuspectSet;
  /** It was tried often enough: a dead letter without a try. */
  isOver?: boolean;
}

/** A division of what arrived, and what has to be stored before any part of it is tried. */
export interface Division {
  /** Least suspicious first: what ends the process ends as few as possible with it. */
  parts: Part[];
  removed: string[];
  stored: SuspectSet[];
}

export class Suspects {
  readonly #sets = new Map<string, SuspectSet>();
  readonly #setOf = new Map<string, SuspectSet>();

  constructor(sets: readonly SuspectSet[]) {
    for (const set of sets) this.keep(set);
  }

  /** There are some whose reign ended. */
  get areThere(): boolean {
    return this.#sets.size > 0;
  }

  /** `deliveries`: of each that arrived, how often it was delivered before. */
  divide(arrived: readonly Arrived[], deliveries: readonly number[]): Division {
    const usual: number[] = [];
    const fresh = new Map<string, number[]>();
    const found = new Map<SuspectSet, Map<string, number[]>>();
    arrived.forEach((one, index) => {
      const id = one.readable ? one.command.id : one.commandId;
      const set = this.#setOf.get(id);
      if (set !== undefined) {
        const places = found.get(set) ?? new Map<string, number[]>();
        found.set(set, places);
        add(places, id, index);
      } else if ((deliveries[index] ?? 0) >= SUSPICIOUS_DELIVERIES) add(fresh, id, index);
      else usual.push(index);
    });

    const division: Division = { parts: usual.length > 0 ? [{ indices: usual }] : [], removed: [], stored: [] };
    if (fresh.size > 0) division.parts.push(this.partOf(newSet([...fresh.keys()]), fresh));
    const sets = [...found].sort(([a], [b]) => a.tries - b.tries);
    for (const [set, places] of sets) division.parts.push(...this.tryAgain(set, places, division));
    return division;
  }

  /** What is to be stored before a part is tried; the row that it leaves if the reign ends over it. */
  begin(part: Part): SuspectSet | undefined {
    if (part.suspect === undefined || part.isOver) return undefined;
    part.suspect = { ...part.suspect, tries: part.suspect.tries + 1 };
    this.keep(part.suspect);
    return part.suspect;
  }

  /** As before it began: the process lives, and the session too, so it was not this part's fault. */
  absolve({ suspect }: Part): SuspectSet | undefined {
    return suspect && { ...suspect, tries: Math.max(0, suspect.tries - 1) };
  }

  settled({ suspect }: Part): void {
    if (suspect !== undefined) this.forget(suspect);
  }

  /** By the whole set only when all of it came and nothing is known of it; else by a smaller one. */
  private tryAgain(set: SuspectSet, places: ReadonlyMap<string, number[]>, division: Division): Part[] {
    const here = set.commandIds.filter((id) => places.has(id));
    const away = set.commandIds.filter((id) => !places.has(id));
    if (away.length === 0 && (set.tries === 0 || here.length === 1)) return [this.partOf(set, places)];
    const half = here.length >> 1;
    const tried = away.length > 0 ? [here] : [here.slice(0, half), here.slice(half)];
    const sets = tried.map(newSet);
    this.forget(set);
    division.removed.push(set.suspectId);
    const smaller = [...sets, ...(away.length > 0 ? [newSet(away)] : [])];
    division.stored.push(...smaller);
    for (const each of smaller) this.keep(each);
    return sets.map((each) => this.partOf(each, places));
  }

  private partOf(suspect: SuspectSet, places: ReadonlyMap<string, number[]>): Part {
    const indices = suspect.commandIds.flatMap((id) => places.get(id) ?? []).sort((a, b) => a - b);
    return { indices, suspect, isOver: suspect.commandIds.length === 1 && suspect.tries >= TRIES_MAX };
  }

  private keep(set: SuspectSet): void {
    this.#sets.set(set.suspectId, set);
    for (const id of set.commandIds) this.#setOf.set(id, set);
  }

  private forget({ suspectId, commandIds }: SuspectSet): void {
    this.#sets.delete(suspectId);
    for (const id of commandIds) this.#setOf.delete(id);
  }
}

function newSet(commandIds: readonly string[]): SuspectSet {
  return { suspectId: randomUUID(), commandIds, tries: 0 };
}

function add(places: Map<string, number[]>, id: string, index: number): void {
  const before = places.get(id);
  if (before === undefined) places.set(id, [index]);
  else before.push(index);
}
