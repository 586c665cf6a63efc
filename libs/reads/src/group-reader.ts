import { setTimeout as pause } from 'node:timers/promises';
import { ReadError } from '@eco/database';
import { covers, NO_POSITION, positionIn, type GroupPosition, type Position, type TermPosition } from '@eco/routing';
import { chooseNode, type ReadWish } from './choose.js';
import type { ReadMetrics } from './metrics.js';
import type { WatchedNodes } from './nodes/watched-nodes.js';
import { PrimaryBudget, type PrimaryBudgetLimits } from './primary-budget.js';
import type { Node } from './nodes/node.js';
import { shownBy, type Query, type StateRow } from './query.js';

/*
 * One read of one group, on a node that is fresh enough for this reader.
 *
 *   choose a node → read → the answer covers the position?  yes: that is the answer
 *     │                │      not yet: a little pause, then choose again (a replica while the reader may wait, then
 *     │                │               the primary, if its budget allows it); when the time is up, not fresh
 *     │                │      never, says the primary: the position is lost
 *     │                └ the node failed, or recovery cancelled the statement: the same on another node
 *     └ nobody there: a little pause, until the deadline; then there is no node
 *
 * A read changes nothing, so it may be sent any number of times. What a query does it does in one statement, so a
 * request reads one snapshot of one node a group.
 */

export interface ReadLimits extends PrimaryBudgetLimits {
  /** A replica with a greater lag answers only when nothing better can. */
  readonly lagLimitMs: number;
  /** How long a reader with a position waits for a replica before it goes to the primary. */
  readonly replicaWaitMs: number;
  /** How long it waits in all, unless it says that it would wait longer. */
  readonly freshWaitMs: number;
  /** How long any reader waits for a node. */
  readonly deadlineMs: number;
}

/** What a reader brings. */
export interface Reader {
  readonly position: Position;
  /** Greatest lag it takes; absent: any. */
  readonly lagMsMax?: number | undefined;
  /** `Prefer: wait`; 0: none. */
  readonly waitMs: number;
}

/** The group's share of an answer. */
export interface Source {
  readonly group: string;
  readonly node: string;
  readonly role: 'primary' | 'replica';
  /** Undefined while the group has not had a writer. */
  readonly position: GroupPosition | undefined;
  readonly seq: number;
  /** Undefined: it can't be known, so it fulfils no greatest lag. */
  readonly lagMs: number | undefined;
}

export interface GroupAnswer<Row, Beside> {
  readonly type: 'answer';
  readonly rows: Row[];
  readonly beside: Beside;
  readonly source: Source;
}

export type ReadFailure =
  | {
      readonly type: 'not-fresh';
      readonly group: string;
      readonly wanted?: TermPosition | undefined;
      readonly lagMsMax?: number | undefined;
    }
  | { readonly type: 'position-lost'; readonly group: string; readonly wanted: TermPosition }
  | { readonly type: 'no-node'; readonly fault: string };

// Between two looks at a replica that is a little behind: the first soon, since a batch takes a few ms to arrive.
const PAUSE_MS_MIN = 4;
const PAUSE_MS_MAX = 64;

type Attempt<Row, Beside> =
  | GroupAnswer<Row, Beside>
  | { readonly type: 'behind' }
  | { readonly type: 'lost' }
  | { readonly type: 'failed'; readonly fault: string };

export class GroupReader {
  readonly #budget: PrimaryBudget;

  constructor(
    readonly nodes: WatchedNodes,
    private readonly limits: ReadLimits,
    private readonly metrics: ReadMetrics,
  ) {
    this.#budget = new PrimaryBudget(limits, performance.now());
  }

  get group(): string {
    return this.nodes.group;
  }

  /** Throws only what is a bug of ours, such as a statement that the server can't understand. */
  async read<Row, Beside>(
    query: Query<Row, Beside>,
    values: readonly unknown[],
    reader: Reader,
  ): Promise<GroupAnswer<Row, Beside> | ReadFailure> {
    const startedMs = performance.now();
    const { limits } = this;
    const { lagMsMax } = reader;
    const wanted = positionIn(reader.position, this.group);
    const notFresh: ReadFailure = { type: 'not-fresh', group: this.group, wanted, lagMsMax };
    const avoided = new Set<Node>();
    let missing: ReadFailure = { type: 'no-node', fault: `group ${this.group}: none of its nodes is reachable` };
    let pauseMs = PAUSE_MS_MIN;
    this.#budget.read();
    for (;;) {
      const waitLeftMs = limits.replicaWaitMs - (performance.now() - startedMs);
      const candidates = this.nodes.readable(avoided);
      const wish = { wanted, lagMsMax, waitLeftMs, lagLimitMs: limits.lagLimitMs };
      const node = this.#choose(candidates, wish);
      const attempt = node === undefined ? undefined : await this.#attempt(node, query, values, reader, wanted);
      if (node !== undefined && attempt !== undefined) {
        if (attempt.type === 'answer') {
          this.metrics.answered(attempt.source);
          return attempt;
        }
        if (attempt.type === 'lost' && wanted !== undefined && node.assigned === 'primary') {
          return this.#fail({ type: 'position-lost', group: this.group, wanted });
        }
        missing =
          attempt.type === 'failed' ? { type: 'no-node', fault: `group ${this.group}: ${attempt.fault}` } : notFresh;
        if (attempt.type !== 'behind') avoided.add(node);
      } else if (candidates.length > 0) missing = notFresh;
      const limitMs = missing.type === 'not-fresh' ? limits.freshWaitMs : limits.deadlineMs;
      if (performance.now() - startedMs >= Math.max(limitMs, reader.waitMs)) return this.#fail(missing);
      if (attempt !== undefined && attempt.type !== 'behind') continue;
      // Everybody has been asked: what failed may be over by the time it is asked again.
      avoided.clear();
      await pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  /** On the primary, whatever its load: for what only the primary can say. Waits for none. */
  async readOnPrimary<Row, Beside>(
    query: Query<Row, Beside>,
    values: readonly unknown[],
  ): Promise<GroupAnswer<Row, Beside> | ReadFailure> {
    const node = this.nodes.readable().find(({ assigned }) => assigned === 'primary');
    const reader = { position: NO_POSITION, waitMs: 0 };
    const attempt = node && (await this.#attempt(node, query, values, reader, undefined));
    if (attempt?.type === 'answer' && attempt.source.role === 'primary') {
      this.metrics.answered(attempt.source);
      return attempt;
    }
    const fault = attempt?.type === 'failed' ? attempt.fault : 'no primary is reachable';
    return { type: 'no-node', fault: `group ${this.group}: ${fault}` };
  }

  #choose(candidates: readonly Node[], wish: Omit<ReadWish, 'primaryAllowed'>): Node | undefined {
    const primaryAllowed = this.#budget.allows(performance.now());
    const node = chooseNode(candidates, { ...wish, primaryAllowed }, Math.random);
    // With no replica there is nothing to spare the primary for.
    if (node?.role === 'primary' && candidates.length > 1) {
      this.#budget.take();
      this.metrics.takenOver(this.group);
    }
    return node;
  }

  async #attempt<Row, Beside>(
    node: Node,
    query: Query<Row, Beside>,
    values: readonly unknown[],
    { lagMsMax }: Reader,
    wanted: TermPosition | undefined,
  ): Promise<Attempt<Row, Beside>> {
    let rows: (Row & StateRow)[];
    try {
      rows = await node.read<Row & StateRow>(query.statement, values);
    } catch (error) {
      if (!(error instanceof ReadError) || !isRetryable(error)) throw error;
      this.metrics.retried(node.name, error.sqlState);
      return { type: 'failed', fault: `${node.name}: ${error.message}` };
    }
    const first = rows[0];
    if (first === undefined) return { type: 'failed', fault: `${node.name}: its group has no state yet` };
    const shown = shownBy(first);
    const { position } = shown;
    const lagMs = node.note(shown);
    if (wanted !== undefined) {
      // A reign that this node's probe did not tell of yet: the probe that is under way does.
      if (wanted.term < position.term && !node.knows(position)) await node.probe();
      if (wanted.term < position.term && !node.knows(position)) return { type: 'behind' };
      const coverage = covers(position, wanted, node.terms);
      if (coverage !== 'covered') return { type: coverage };
    }
    if (lagMsMax !== undefined && lagMs > lagMsMax) return { type: 'behind' };
    return {
      type: 'answer',
      rows: first.found === null ? [] : rows,
      beside: first as Beside,
      source: {
        group: this.group,
        node: node.name,
        role: shown.inRecovery ? 'replica' : 'primary',
        position: position.term === 0 ? undefined : { group: this.group, ...position },
        seq: position.seq,
        lagMs,
      },
    };
  }

  #fail(failure: ReadFailure): ReadFailure {
    this.metrics.failed(this.group, failure.type);
    return failure;
  }
}

/**
 * May work on another node, or here in a moment: a recovery conflict or deadlock (40), no connection (08 or none at all),
 * no room (53), cancelled or shutting down or starting up (57), a disk (58), a statement that this session does not know (26).
 */
function isRetryable({ sqlState }: ReadError): boolean {
  return sqlState === undefined || /^(08|26|40|53|57|58)/.test(sqlState);
}
