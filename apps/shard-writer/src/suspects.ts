import { randomUUID } from 'node:crypto';
import type { Delivery } from '@eco/broker';
import type { SuspectSet } from '@eco/database';
import { linesIn, type Arrived } from '@eco/domain';

/*
 * What is decided next, of what has been taken from the queues: of each queue always its front, so that nothing overtakes
 * what came before it in the same queue.
 *
 * A command over which the process ends can't be caught: whatever is written down must be written before. So what came
 * three times is tried apart from the rest, as a set whose ids are stored first, when everything before it in its queue is
 * settled. A leader that finds a set knows that a try of exactly these commands was not finished, and tries halves.
 * Where nothing came three times, none of this costs anything.
 *
 *   came three times ──▶ set of n, tries 1 ──settled──▶ row gone
 *                           │ not finished
 *                           ▼
 *                        two sets of n/2, tries 0 ──▶ each by itself, tries 1 … of one command: tries 2, 3, …
 *
 * A single command becomes a dead letter when three processes have ended over it (see `StoredSuspectSet`), or an operator
 * has said so. A session that the database ended is no process that ended: then it is tried again, each time later.
 */

/** Suspicious is what was delivered so often before. */
export const SUSPICIOUS_DELIVERIES = 2;
/** Of one command alone. */
export const TRIES_MAX = 3;
/**
 * Before a single command is tried for the fourth time, ms. A process that lost its session has withdrawn its try by then:
 * it waits for 0.5 s, for the nodes' answers for up to 3 s, for its new session for up to 3 s.
 */
const LATER_MS = { first: 7000, max: 60_000 };

/** A command that was taken and is not settled. */
export interface Taken {
  readonly arrived: Arrived;
  readonly delivery: Pick<Delivery, 'queue' | 'deliveryCount'>;
}

/** What a batch may hold; of each queue, as far as lines go. */
export interface Limits {
  readonly commands: number;
  readonly lines: number;
}

/** What is settled next, in one transaction. */
export interface Part<T extends Taken = Taken> {
  readonly taken: readonly T[];
  /** Undefined: nothing is suspicious about it. */
  readonly suspect?: SuspectSet;
  /** It is one command that was tried often enough: whether it is tried again is for the stored rows to say. */
  readonly needsVerdict?: boolean;
  /** Rows that have to be changed before it is tried. */
  readonly removed?: readonly string[];
  readonly stored?: readonly SuspectSet[];
}

interface Front<T> {
  readonly taken: T[];
  lines: number;
  isComplete: boolean;
  /** The first one, if that is suspicious; then there is nothing in `taken`. */
  suspicious: T | undefined;
}

export class Suspects {
  readonly #sets = new Map<string, SuspectSet>();
  readonly #setOf = new Map<string, SuspectSet>();
  /** The queue of the last part; that of a suspicious one. */
  #lastQueue: string | undefined;
  #lastSuspicious: string | undefined;
  #wasSuspicious = true;

  /** `since`: when this leadership began, as `performance.now()`. */
  constructor(
    sets: readonly SuspectSet[],
    private readonly since: number,
  ) {
    for (const set of sets) this.keep(set);
  }

  /** There are none whose try was not finished. */
  get isEmpty(): boolean {
    return this.#sets.size === 0;
  }

  /** The single command that was tried most often; undefined: there is none. */
  get worst(): SuspectSet | undefined {
    const single = [...this.#sets.values()].filter(({ commandIds, tries }) => commandIds.length === 1 && tries > 0);
    return single.sort((a, b) => b.tries - a.tries)[0];
  }

  /**
   * The front of each queue up to what is suspicious, or what is suspicious at the front of one queue; by turns where there
   * is both, so that neither waits for good. Undefined: nothing may be tried yet.
   */
  next<T extends Taken>(waiting: readonly T[], limits: Limits, now: number): Part<T> | undefined {
    const fronts = this.fronts(waiting, limits);
    const usual = [...fronts.values()].some(({ taken }) => taken.length > 0);
    const queues = [...fronts].flatMap(([queue, { suspicious }]) =>
      suspicious !== undefined && this.isDue(suspicious, now) ? [queue] : [],
    );
    if (usual && (queues.length === 0 || this.#wasSuspicious)) {
      this.#wasSuspicious = false;
      return { taken: this.within(fronts, waiting, limits.commands) };
    }
    const queue = queues.find((each) => each !== this.#lastSuspicious) ?? queues[0];
    if (queue === undefined) return waiting.length === 0 ? { taken: [] } : undefined;
    this.#wasSuspicious = true;
    this.#lastSuspicious = queue;
    return this.suspiciousPart(
      waiting.filter(({ delivery }) => delivery.queue === queue),
      limits,
    );
  }

  /** What is stored before a part is tried; the row that it leaves if it is not finished. */
  begin<T extends Taken>(part: Part<T>): (Part<T> & { suspect: SuspectSet }) | undefined {
    if (part.suspect === undefined) return undefined;
    const suspect = { ...part.suspect, tries: part.suspect.tries + 1 };
    this.keep(suspect);
    return { ...part, suspect };
  }

  /** As before it began: the process lives, and the session too, so it was not this part's fault. */
  absolve({ suspect }: { suspect: SuspectSet }): SuspectSet {
    const absolved = { ...suspect, tries: suspect.tries - 1 };
    this.keep(absolved);
    return absolved;
  }

  settled({ suspect }: Pick<Part, 'suspect'>): void {
    if (suspect !== undefined) this.forget(suspect);
  }

  private fronts<T extends Taken>(waiting: readonly T[], limits: Limits): Map<string, Front<T>> {
    const fronts = new Map<string, Front<T>>();
    for (const each of waiting) {
      const { queue } = each.delivery;
      let front = fronts.get(queue);
      if (front === undefined) {
        fronts.set(queue, (front = { taken: [], lines: 0, isComplete: false, suspicious: undefined }));
      }
      if (front.isComplete) continue;
      const isFirst = front.taken.length === 0;
      front.lines += linesIn(each.arrived);
      if (this.isSuspicious(each)) {
        front.isComplete = true;
        if (isFirst) front.suspicious = each;
      } else if (isFirst || front.lines <= limits.lines) front.taken.push(each);
      else front.isComplete = true;
    }
    return fronts;
  }

  /** In the order in which they were taken. Too many: the queues share, and of one each has its turn. */
  private within<T extends Taken>(fronts: Map<string, Front<T>>, waiting: readonly T[], commandsMax: number): T[] {
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

  private isSuspicious({ arrived, delivery }: Taken): boolean {
    return delivery.deliveryCount >= SUSPICIOUS_DELIVERIES || this.#setOf.has(idOf(arrived));
  }

  /** A single command that was tried often waits, each time longer. */
  private isDue({ arrived }: Taken, now: number): boolean {
    const set = this.#setOf.get(idOf(arrived));
    if (set === undefined || !isTriedOften(set)) return true;
    return now - this.since >= Math.min(LATER_MS.max, Math.max(LATER_MS.first, 1000 * 2 ** (set.tries - 1)));
  }

  /** `queue`: one queue, whose first one is suspicious. */
  private suspiciousPart<T extends Taken>(queue: readonly T[], limits: Limits): Part<T> {
    const set = this.#setOf.get(idOf((queue[0] as T).arrived));
    const run = runOf(queue, limits, (each) => this.isSuspicious(each) && this.#setOf.get(idOf(each.arrived)) === set);
    const ids = [...new Set(run.map(({ arrived }) => idOf(arrived)))];
    if (set === undefined) return { taken: run, suspect: newSet(ids) };
    const isWhole = ids.length === set.commandIds.length;
    if (isWhole && (set.tries === 0 || ids.length === 1)) {
      return { taken: run, suspect: set, needsVerdict: isTriedOften(set) };
    }
    // Of all that was tried together one half; of a part of it, which has not been tried by itself, all.
    const tried = new Set(isWhole ? ids.slice(0, Math.ceil(ids.length / 2)) : ids);
    const suspect = newSet([...tried]);
    const rest = newSet(set.commandIds.filter((id) => !tried.has(id)));
    this.forget(set);
    for (const each of [suspect, rest]) this.keep(each);
    const taken = runOf(run, limits, ({ arrived }) => tried.has(idOf(arrived)));
    return { taken, suspect, removed: [set.suspectId], stored: [rest] };
  }

  private keep(set: SuspectSet): void {
    this.#sets.set(set.suspectId, set);
    for (const id of set.commandIds) this.#setOf.set(id, set);
  }

  private forget({ suspectId, commandIds }: SuspectSet): void {
    this.#sets.delete(suspectId);
    for (const id of commandIds) if (this.#setOf.get(id)?.suspectId === suspectId) this.#setOf.delete(id);
  }
}

/** From its front, as far as `belongs` holds and the limits allow; at least one. */
function runOf<T extends Taken>(queue: readonly T[], limits: Limits, belongs: (each: T) => boolean): T[] {
  const run: T[] = [];
  let lines = 0;
  for (const each of queue) {
    lines += linesIn(each.arrived);
    const fits = run.length === 0 || (run.length < limits.commands && lines <= limits.lines);
    if (!fits || !belongs(each)) break;
    run.push(each);
  }
  return run;
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
