import { sleep } from '@eco/base';
import { changesPageSchema, type Change } from '@eco/contracts';
import { eventually } from '@eco/testing';
import type { FaultSystem } from './fault-system.js';

const PAUSE_MS = 100;
const ANSWER_MS = 30_000;

/** A program that follows the changes of orders, page by page, as a client of the chain does. */
export class ChangeFollower {
  /** Failovers that lost what it had received. */
  setBack = 0;
  /** Answers that were repeated, by text. */
  readonly refusals = new Map<string, number>();
  readonly #system: FaultSystem;
  readonly #received: Pick<Change, 'seq' | 'n' | 'commandId'>[] = [];
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #after = '0';

  constructor(system: FaultSystem) {
    this.#system = system;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  /** Waits until it has received all that is stored by now, and returns a sentence for each gap, double or disorder. */
  async violations(): Promise<string[]> {
    const stored = await this.#system.sql<{ seq: number; n: number; id: string }>(
      `SELECT u.seq::int, u.n::int, u.command_id AS id FROM eco.outcome u WHERE u.topic = 'orders' ORDER BY u.seq, u.n`,
    );
    const last = stored.at(-1);
    await eventually('the follower has received all changes', () => {
      const received = this.#received.at(-1);
      return last === undefined || (received !== undefined && isAtLeast(received, last));
    });
    const received = last === undefined ? [] : this.#received.filter((each) => isAtLeast(last, each));
    const expected = stored.map(({ seq, n, id }) => `${seq}.${n} ${id}`);
    const found = received.map(({ seq, n, commandId }) => `${seq}.${n} ${commandId}`);
    const at = expected.findIndex((each, index) => each !== found[index]);
    if (at < 0 && found.length === expected.length) return [];
    const first = at < 0 ? expected.length : at;
    return [
      `change ${first + 1} is ${found[first]} instead of ${expected[first]} (${found.length} of ${expected.length})`,
    ];
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      if (!(await this.#page())) await sleep(PAUSE_MS, this.#end.signal);
    }
  }

  /** Returns true if more is there. */
  async #page(): Promise<boolean> {
    try {
      const where = `/changes?topic=orders&after=${this.#after}&limit=1000`;
      const { status, text, body } = await this.#system.read.send('GET', where, undefined, {}, ANSWER_MS);
      if (status === 410) {
        this.setBack += 1;
        this.#after = String(body?.['continueFrom']);
        return true;
      }
      if (status !== 200) throw new Error(`${status} ${text}`);
      const { changes, next, more } = changesPageSchema.parse(body);
      this.#received.push(...changes.map(({ seq, n, commandId }) => ({ seq, n, commandId })));
      this.#after = next;
      return more;
    } catch (error) {
      const { message } = error as Error;
      this.refusals.set(message, (this.refusals.get(message) ?? 0) + 1);
      return false;
    }
  }
}

function isAtLeast(one: { seq: number; n: number }, other: { seq: number; n: number }): boolean {
  return one.seq > other.seq || (one.seq === other.seq && one.n >= other.n);
}
