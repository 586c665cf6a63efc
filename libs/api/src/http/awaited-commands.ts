import { pauseAfter } from '@eco/base';
import { NO_POSITION } from '@eco/routing';
import { query, Reads, type ReadOptions } from '@eco/reads';

/*
 * Reads that wait for the decision about a command (`Prefer: wait`). All that wait in a process for commands of one group
 * share its looks: a look is one query for the ids of all whose pause is over. The pauses of a reader grow with its wait,
 * so 10 s take fewer than 30 looks, and readers that come one after another cause at most one look in `FIRST_PAUSE_MS`. A
 * reader reads for itself only before it waits, and when its commands are decided.
 */

/** First pause of a reader, and the shortest pause between two looks at a group, ms. */
const FIRST_PAUSE_MS = 25;

/** $1 ids of commands. A dead letter ends a wait too. Uses the primary keys of both tables. */
export const decidedQuery = query<{ command_id: string }>({
  name: 'decided',
  rows: `
    SELECT u.command_id FROM eco.outcome u WHERE u.command_id = ANY($1)
    UNION SELECT d.command_id FROM eco.dead_letter d WHERE d.command_id = ANY($1) AND d.state = 'open'
      AND d.error_class <> 'forbidden'`,
});

interface Waiting {
  /** Commands that no look has found decided. */
  readonly open: Set<string>;
  readonly sinceMs: number;
  /** Time of the next look at them. */
  dueMs: number;
  /** Ends the wait. With an error, the read fails with this error. */
  readonly end: (error?: Error) => void;
}

export class AwaitedCommands {
  readonly #reads: Reads;
  readonly #looks = new Map<string, GroupLooks>();

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /**
   * Reads, waits for the decision about these commands, and reads again, until `isAsHoped` holds or the reader's `Prefer:
   * wait` is over. Returns the last result.
   */
  async readUntil<A>(
    ids: readonly string[],
    options: ReadOptions,
    read: () => Promise<A>,
    isAsHoped: (read: A) => boolean,
  ): Promise<A> {
    const startedMs = performance.now();
    for (;;) {
      const latest = await read();
      const leftMs = options.waitMs - (performance.now() - startedMs);
      if (isAsHoped(latest) || leftMs <= 0) return latest;
      await this.#decided(ids, leftMs);
    }
  }

  /** Resolves when looks have found all of them decided, or after `ms`. */
  async #decided(ids: readonly string[], ms: number): Promise<void> {
    const groupOf = (id: string) => this.#reads.groupOfId(id) ?? '';
    const groups = [...new Set(ids.map(groupOf))];
    await Promise.all(
      groups.map((group) => {
        const own = ids.filter((id) => groupOf(id) === group);
        return this.#looksAt(group).decided(own, ms);
      }),
    );
  }

  #looksAt(group: string): GroupLooks {
    const looks = this.#looks.get(group) ?? new GroupLooks(this.#reads, group);
    this.#looks.set(group, looks);
    return looks;
  }
}

/** The readers that wait for commands of one group. */
class GroupLooks {
  readonly #reads: Reads;
  readonly #group: string;
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #lookedMs = -Infinity;

  constructor(reads: Reads, group: string) {
    this.#reads = reads;
    this.#group = group;
  }

  decided(ids: readonly string[], ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const sinceMs = performance.now();
      const waiting: Waiting = {
        open: new Set(ids),
        sinceMs,
        dueMs: sinceMs + FIRST_PAUSE_MS,
        end: (error) => {
          clearTimeout(timer);
          this.#waiting.delete(waiting);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const timer = setTimeout(() => waiting.end(), ms);
      this.#waiting.add(waiting);
      this.#schedule();
    });
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isLooking || this.#waiting.size === 0) return;
    const dueMs = Math.min(...[...this.#waiting].map((each) => each.dueMs));
    const atMs = Math.max(dueMs, this.#lookedMs + FIRST_PAUSE_MS);
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, atMs - performance.now()));
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const dueMs = performance.now() + FIRST_PAUSE_MS;
    const due = [...this.#waiting].filter((each) => each.dueMs <= dueMs);
    try {
      const decided = await this.#decidedOf([...new Set(due.flatMap(({ open }) => [...open]))]);
      this.#lookedMs = performance.now();
      for (const waiting of due) {
        for (const id of decided) waiting.open.delete(id);
        if (waiting.open.size === 0) waiting.end();
        waiting.dueMs = this.#lookedMs + pauseAfter(this.#lookedMs - waiting.sinceMs, FIRST_PAUSE_MS);
      }
    } catch (error) {
      // This error would occur on every node, so each of these reads fails with it.
      for (const waiting of due) waiting.end(error as Error);
    } finally {
      this.#isLooking = false;
      this.#schedule();
    }
  }

  /** Empty if the group does not answer: it is asked again at the next look. */
  async #decidedOf(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const answer = await this.#reads.ofGroup(this.#group, decidedQuery, [ids], { position: NO_POSITION, waitMs: 0 });
    return answer.type === 'answer' ? answer.rows.map((row) => row.command_id) : [];
  }
}
