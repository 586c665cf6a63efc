import { pauseAfter, sleep } from '@eco/base';
import { NO_POSITION } from '@eco/routing';
import { query, Reads, type ReadOptions } from '@eco/reads';

/*
 * Reads that wait for the decision about a command (`Prefer: wait`). All that wait in a process share one look at each
 * group: a query for all their ids. A reader reads for itself only before it waits, and when its commands are decided.
 */

/** Pause before the first look, ms. */
const FIRST_LOOK_MS = 25;

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
  /** Ends the wait. With an error, the read fails with this error. */
  readonly end: (error?: Error) => void;
}

export class AwaitedCommands {
  readonly #reads: Reads;
  readonly #waiting = new Set<Waiting>();
  /** Time at which the latest reader began to wait. */
  #sinceMs = 0;
  #isLooking = false;

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

  /** Resolves when a look has found all of them decided, or after `ms`. */
  #decided(ids: readonly string[], ms: number): Promise<void> {
    this.#sinceMs = performance.now();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        open: new Set(ids),
        end: (error) => {
          clearTimeout(timer);
          this.#waiting.delete(waiting);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const timer = setTimeout(() => waiting.end(), ms);
      this.#waiting.add(waiting);
      if (!this.#isLooking) void this.#look();
    });
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    try {
      while (this.#waiting.size > 0) {
        await sleep(pauseAfter(performance.now() - this.#sinceMs, FIRST_LOOK_MS));
        const ids = [...new Set([...this.#waiting].flatMap(({ open }) => [...open]))];
        if (ids.length === 0) continue;
        const decided = await this.#decidedOf(ids);
        for (const waiting of this.#waiting) {
          for (const id of decided) waiting.open.delete(id);
          if (waiting.open.size === 0) waiting.end();
        }
      }
    } catch (error) {
      // This error would occur on every node, so each waiting read fails with it.
      for (const waiting of this.#waiting) waiting.end(error as Error);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Any group may have decided a command. A group that does not answer is asked again at the next look. */
  async #decidedOf(ids: readonly string[]): Promise<string[]> {
    const answers = await this.#reads.ofEveryGroup(decidedQuery, [ids], { position: NO_POSITION, waitMs: 0 });
    return answers.flatMap((answer) => (answer.type === 'answer' ? answer.rows.map((row) => row.command_id) : []));
  }
}
