import { randomUUID } from 'node:crypto';
import { doubledMs } from '@eco/base';
import { linesIn, type Arrived } from '@eco/domain';
import type { SuspectSet } from './suspect-rows.js';
import type { Taken } from './taken.js';

/*
 * Chooses the commands that are decided next, from those taken from the queues. It always takes the front of a queue,
 * so nothing overtakes an earlier command of the same queue.
 *
 * A poison message ends the process before it can record anything, so the record must be made first. Commands that were
 * delivered three times therefore form a set that is tried separately. The set's ids are stored first, and everything
 * before it in its queue is settled first. A leader that finds a stored set knows that a try of exactly these commands
 * was not finished, and tries its halves. While no command has been delivered three times, this costs nothing.
 *
 * delivered 3 times ──▶ set of n, tries 1 ──settled──▶ row deleted │ not finished ▼ two sets of n/2, tries 0 ──▶ each
 * separately, tries 1 … a single command: tries 2, 3, …
 *
 * A message that was delivered three times is not even parsed, because parsing it may end the process before its ids are
 * known. It counts as one suspicious command whose id derives from its bytes. A set has either such messages, and its
 * try parses them, or commands of parsed messages.
 *
 * A single command becomes a dead letter when three processes have ended while trying it (see `StoredSuspectSet`), or
 * when an operator has condemned it. A session ended by the database does not count as an ended process. The command is
 * then tried again, later each time.
 */

/** A command with at least this many earlier deliveries is suspicious. */
const SUSPICIOUS_DELIVERIES = 2;
/** Estimated length of an order's line as JSON. */
const UNREAD_BYTES_PER_LINE = 64;
/** Tries of one command alone. */
export const TRIES_MAX = 3;
/**
 * Wait before a single command is tried for the fourth time, ms. By then a process that lost its session has withdrawn
 * its try: it waits for 0.5 s, up to 3 s for the nodes' answers, and up to 3 s for its new session.
 */
const LATER_MS = { min: 7000, max: 60_000 };

/** Limits of a batch. `lines` applies to each queue. */
export interface Limits {
  readonly commands: number;
  readonly lines: number;
}

/** Commands that are settled next, in one transaction. */
export interface Part<T extends Taken = Taken> {
  readonly taken: readonly T[];
  /** The suspicious commands of this part. Undefined: nothing in it is suspicious. */
  readonly suspect?: SuspectSet;
  /**
   * True: the part is a single command that was tried often enough. The stored rows decide whether it is tried again.
   */
  readonly needsVerdict?: boolean;
  /** Rows that must change before the part is tried. */
  readonly removed?: readonly string[];
  readonly stored?: readonly SuspectSet[];
}

interface Front<T> {
  readonly taken: T[];
  lines: number;
  isComplete: boolean;
  /** The first command, if it is suspicious. `taken` is then empty. */
  suspicious: T | undefined;
}

export class Suspects {
  readonly #sets = new Map<string, SuspectSet>();
  readonly #setOf = new Map<string, SuspectSet>();
  /** The queue of the last part, and of the last suspicious part. */
  #lastQueue: string | undefined;
  #lastSuspicious: string | undefined;
  #wasSuspicious = true;
  readonly #since: number;

  /** `since`: start of this leadership, as `performance.now()`. */
  constructor(sets: readonly SuspectSet[], since: number) {
    this.#since = since;
    for (const set of sets) this.#keep(set);
  }

  /** True: no stored set has an unfinished try. */
  get isEmpty(): boolean {
    return this.#sets.size === 0;
  }

  /** The single command with the most tries; undefined: there is none. */
  get worst(): SuspectSet | undefined {
    const single = [...this.#sets.values()].filter(({ commandIds, tries }) => commandIds.length === 1 && tries > 0);
    return single.sort((a, b) => b.tries - a.tries)[0];
  }

  /**
   * Returns the front of each queue up to the first suspicious command, or the suspicious front of one queue. If both
   * exist, they take turns, so that neither waits forever. Undefined: nothing may be tried yet.
   */
  next<T extends Taken>(waiting: readonly T[], limits: Limits, now: number): Part<T> | undefined {
    const fronts = this.#fronts(waiting, limits);
    const usual = [...fronts.values()].some(({ taken }) => taken.length > 0);
    const queues = [...fronts].flatMap(([queue, { suspicious }]) =>
      suspicious !== undefined && this.#isDue(suspicious, now) ? [queue] : [],
    );
    if (usual && (queues.length === 0 || this.#wasSuspicious)) {
      this.#wasSuspicious = false;
      return { taken: this.#within(fronts, waiting, limits.commands) };
    }
    const queue = queues.find((each) => each !== this.#lastSuspicious) ?? queues[0];
    if (queue === undefined) return waiting.length === 0 ? { taken: [] } : undefined;
    this.#wasSuspicious = true;
    this.#lastSuspicious = queue;
    return this.#suspiciousPart(
      waiting.filter((each) => each.queue === queue),
      limits,
    );
  }

  /**
   * Begins to try the part, and returns it with the row that must be stored first. The row stays if the try is not
   * finished.
   */
  begin<T extends Taken>(part: Part<T>): (Part<T> & { suspect: SuspectSet }) | undefined {
    if (part.suspect === undefined) return undefined;
    const suspect = { ...part.suspect, tries: part.suspect.tries + 1 };
    this.#keep(suspect);
    return { ...part, suspect };
  }

  /** Undoes `begin`. The process and the session are alive, so this part has ended neither. */
  absolve({ suspect }: { suspect: SuspectSet }): SuspectSet {
    const absolved = { ...suspect, tries: suspect.tries - 1 };
    this.#keep(absolved);
    return absolved;
  }

  settled({ suspect }: Pick<Part, 'suspect'>): void {
    if (suspect !== undefined) this.#forget(suspect);
  }

  #fronts<T extends Taken>(waiting: readonly T[], limits: Limits): Map<string, Front<T>> {
    const fronts = new Map<string, Front<T>>();
    for (const each of waiting) {
      const { queue } = each;
      let front = fronts.get(queue);
      if (front === undefined) {
        fronts.set(queue, (front = { taken: [], lines: 0, isComplete: false, suspicious: undefined }));
      }
      if (front.isComplete) continue;
      const isFirst = front.taken.length === 0;
      front.lines += weightOf(each);
      if (this.#isSuspicious(each)) {
        front.isComplete = true;
        if (isFirst) front.suspicious = each;
      } else if (isFirst || front.lines <= limits.lines) front.taken.push(each);
      else front.isComplete = true;
    }
    return fronts;
  }

  /**
   * The commands of all fronts in the order in which they were taken. If they are more than `commandsMax`, each queue
   * gets a share. If there are more queues than that, the queues take turns.
   */
  #within<T extends Taken>(fronts: Map<string, Front<T>>, waiting: readonly T[], commandsMax: number): T[] {
    const present = [...fronts].filter(([, { taken }]) => taken.length > 0).map(([queue]) => queue);
    const count = [...fronts.values()].reduce((sum, { taken }) => sum + taken.length, 0);
    if (count === waiting.length && count <= commandsMax) return [...waiting];
    let chosen = present;
    if (commandsMax < present.length) {
      const queue = present.find((each) => each !== this.#lastQueue) ?? present[0];
      this.#lastQueue = queue;
      chosen = present.filter((each) => each === queue);
    }
    const share = count <= commandsMax ? count : Math.max(1, Math.floor(commandsMax / chosen.length));
    return chosen.flatMap((queue) => fronts.get(queue)?.taken.slice(0, share) ?? []);
  }

  #isSuspicious({ arrived, deliveryCount }: Taken): boolean {
    return deliveryCount >= SUSPICIOUS_DELIVERIES || this.#setOf.has(idOf(arrived));
  }

  /** A single command with many tries waits, longer each time. */
  #isDue({ arrived }: Taken, now: number): boolean {
    const set = this.#setOf.get(idOf(arrived));
    if (set === undefined || !isTriedOften(set)) return true;
    return now - this.#since >= Math.max(LATER_MS.min, doubledMs(set.tries, { firstMs: 1000, capMs: LATER_MS.max }));
  }

  /** `queue`: the commands of one queue, the first of which is suspicious. */
  #suspiciousPart<T extends Taken>(queue: readonly T[], limits: Limits): Part<T> {
    const first = queue[0] as T;
    const set = this.#setOf.get(idOf(first.arrived));
    const run = runOf(
      queue,
      limits,
      (each) =>
        this.#isSuspicious(each) && this.#setOf.get(idOf(each.arrived)) === set && isUnread(each) === isUnread(first),
    );
    const ids = [...new Set(run.map(({ arrived }) => idOf(arrived)))];
    if (set === undefined) return { taken: run, suspect: newSet(ids) };
    const isWhole = ids.length === set.commandIds.length;
    if (isWhole && (set.tries === 0 || ids.length === 1)) {
      return { taken: run, suspect: set, needsVerdict: isTriedOften(set) };
    }
    // If the whole set was tried together, try one half. A part of the set that has not been tried separately is tried
    // whole.
    const tried = new Set(isWhole ? ids.slice(0, Math.ceil(ids.length / 2)) : ids);
    const suspect = newSet([...tried]);
    const rest = newSet(set.commandIds.filter((id) => !tried.has(id)));
    this.#forget(set);
    for (const each of [suspect, rest]) this.#keep(each);
    const taken = runOf(run, limits, ({ arrived }) => tried.has(idOf(arrived)));
    return { taken, suspect, removed: [set.suspectId], stored: [rest] };
  }

  #keep(set: SuspectSet): void {
    this.#sets.set(set.suspectId, set);
    for (const id of set.commandIds) this.#setOf.set(id, set);
  }

  #forget({ suspectId, commandIds }: SuspectSet): void {
    this.#sets.delete(suspectId);
    for (const id of commandIds) if (this.#setOf.get(id)?.suspectId === suspectId) this.#setOf.delete(id);
  }
}

/** The front of the queue, as long as `belongs` holds and the limits allow; at least one command. */
function runOf<T extends Taken>(queue: readonly T[], limits: Limits, belongs: (each: T) => boolean): T[] {
  const run: T[] = [];
  let lines = 0;
  for (const each of queue) {
    lines += weightOf(each);
    const fits = run.length === 0 || (run.length < limits.commands && lines <= limits.lines);
    if (!fits || !belongs(each)) break;
    run.push(each);
  }
  return run;
}

function isUnread({ unreadBytes }: Taken): boolean {
  return unreadBytes !== undefined;
}

/** Lines of a command. The lines of an unread message are estimated, so that a try parses a bounded number of bytes. */
function weightOf({ arrived, unreadBytes }: Taken): number {
  return unreadBytes === undefined ? linesIn(arrived) : Math.ceil(unreadBytes / UNREAD_BYTES_PER_LINE);
}

function isTriedOften({ commandIds, tries }: SuspectSet): boolean {
  return commandIds.length === 1 && tries >= TRIES_MAX;
}

function idOf(arrived: Arrived): string {
  return arrived.readable ? arrived.command.id : arrived.commandId;
}

function newSet(commandIds: readonly string[]): SuspectSet {
  return { suspectId: randomUUID(), commandIds, tries: 0 };
}
