import { doubledMs, pauseAfter, sleep } from '@eco/base';
import { ReadError } from '@eco/postgres';
import { covers, NO_POSITION, positionIn, type BatchPosition } from '@eco/routing';
import type { GroupAnswer, ReadFailure, ReadOptions } from './answer.js';
import { chooseNode, type ReadRequirements } from './choose.js';
import type { ReadMetrics } from './metrics.js';
import type { WatchedNodes } from './nodes/watched-nodes.js';
import { PrimaryBudget, type PrimaryBudgetLimits } from './primary-budget.js';
import type { Node } from './nodes/node.js';
import { readFailureKind } from './nodes/read-failure-kind.js';
import { SlowLaneFullError } from './nodes/slow-lane.js';
import { shownBy, type Query, type StateRow } from './query.js';

/*
 * Reads from one group, on a node that is fresh enough for this reader.
 *
 * choose a node → read → does the answer cover the position? yes: return it not yet: pause briefly, then choose again
 * (a replica while the reader may wait, then the primary, if its budget allows); when the time is up: not fresh never,
 * says the primary: the position is lost the node failed or refused the statement: repeat on another node no node
 * available: pause briefly, until the deadline; then there is no node
 *
 * A statement that one node refuses says nothing about the others: its page may be damaged, or it may lack a migration.
 * It is our error only if the nodes agree. There are two exceptions. Invalid values of the request are the client's
 * error at once, because all nodes would agree. A statement that takes too long would load every node in turn, so a
 * slow read is not retried and another read once.
 *
 * A read changes nothing, so it may be sent any number of times. A query is one statement, so a request reads one
 * snapshot of one node per group.
 */

export interface ReadLimits extends PrimaryBudgetLimits {
  /** Lag beyond which a replica answers only if there is nothing better, ms. */
  readonly lagLimitMs: number;
  /** Time for which a reader with a position waits for a replica before it uses the primary, ms. */
  readonly replicaWaitMs: number;
  /** Total wait, unless the reader asks for a longer one. */
  readonly freshWaitMs: number;
  /** Longest wait of any reader for a node, ms. */
  readonly deadlineMs: number;
  /** A node's limit for one slow statement, ms. A slow read may take this much longer than others. */
  readonly slowStatementTimeoutMs: number;
}

// Pause between two tries at a replica that is a little behind. The first one is short, because a batch arrives within
// a few ms.
const PAUSE = { firstMs: 4, capMs: 64 };
/** Most nodes on which a statement that takes too long is tried, so that it does not load all nodes. */
const TIMEOUTS_MAX = 2;

type Attempt<Row, Extra> =
  | GroupAnswer<Row, Extra>
  | { readonly type: 'behind' }
  | { readonly type: 'lost' }
  | { readonly type: 'empty' }
  | { readonly type: 'failed'; readonly error: ReadError }
  | { readonly type: 'full'; readonly error: SlowLaneFullError };

export class GroupReader {
  readonly #budget: PrimaryBudget;
  readonly #limits: ReadLimits;
  readonly #metrics: ReadMetrics;

  constructor(
    readonly nodes: WatchedNodes,
    limits: ReadLimits,
    metrics: ReadMetrics,
  ) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#budget = new PrimaryBudget(limits, performance.now());
  }

  get group(): string {
    return this.nodes.group;
  }

  /** Throws only for bugs, such as a statement that no server understands. */
  async read<Row, Extra>(
    query: Query<Row, Extra>,
    values: readonly unknown[],
    options: ReadOptions,
  ): Promise<GroupAnswer<Row, Extra> | ReadFailure> {
    const startedMs = performance.now();
    const limits = this.#limits;
    const { group } = this;
    const { pace } = query;
    const { lagMsMax } = options;
    const wanted = positionIn(options.position, group);
    const notFresh: ReadFailure = { type: 'not-fresh', group, wanted, lagMsMax };
    const deadlineMs = limits.deadlineMs + (pace === 'slow' ? limits.slowStatementTimeoutMs : 0);
    const avoided = new Set<Node>();
    const refusals = new Map<Node, ReadError>();
    let timeouts = 0;
    let missing: ReadFailure = { type: 'no-node', fault: `group ${group}: none of its nodes is reachable` };
    let rounds = 0;
    this.#budget.read();
    for (;;) {
      const waitLeftMs = limits.replicaWaitMs - (performance.now() - startedMs);
      const candidates = this.nodes.readable(avoided);
      const node = this.#choose(candidates, { wanted, lagMsMax, waitLeftMs, lagLimitMs: limits.lagLimitMs, pace });
      const attempt = node === undefined ? undefined : await this.#attempt(node, query, values, options, wanted);
      if (node !== undefined && attempt !== undefined) {
        switch (attempt.type) {
          case 'answer':
            this.#metrics.answered(attempt.source);
            return attempt;
          case 'full':
            return this.#fail({ type: 'too-busy', group, reason: attempt.error.message });
          case 'lost':
            if (wanted !== undefined && node.assigned === 'primary') {
              return this.#fail({ type: 'position-lost', group, wanted });
            }
            missing = notFresh;
            break;
          case 'behind':
            missing = notFresh;
            break;
          case 'empty':
            missing = { type: 'no-node', fault: `group ${group}: ${node.name}: its group has no state yet` };
            break;
          case 'failed': {
            const { error } = attempt;
            const reason = `${node.name}: ${error.message}`;
            missing = { type: 'no-node', fault: `group ${group}: ${reason}` };
            const kind = readFailureKind(error.sqlState);
            if (kind === 'request') return this.#fail({ type: 'bad-value', reason: error.message });
            if (kind === 'timeout' && (timeouts += 1) >= (pace === 'slow' ? 1 : TIMEOUTS_MAX)) {
              return this.#fail({ type: 'too-slow', group, reason });
            }
            if (kind === 'refusal') refusals.set(node, error);
            break;
          }
        }
        if (attempt.type !== 'behind') avoided.add(node);
        if (this.#isOurs(refusals, avoided)) throw [...refusals.values()][0] as ReadError;
      } else if (candidates.length > 0) missing = notFresh;
      const limitMs = missing.type === 'not-fresh' ? limits.freshWaitMs : deadlineMs;
      if (performance.now() - startedMs >= Math.max(limitMs, options.waitMs)) return this.#fail(missing);
      if (attempt !== undefined && attempt.type !== 'behind') continue;
      // Every node has been asked. Failures may be over by the next round.
      avoided.clear();
      rounds += 1;
      await sleep(pauseAfter(performance.now() - startedMs, doubledMs(rounds, PAUSE)));
    }
  }

  /**
   * Whether a refused statement is our error: two nodes refuse it in the same way and no other is left, or the group's
   * only node refuses it.
   */
  #isOurs(refusals: ReadonlyMap<Node, ReadError>, avoided: ReadonlySet<Node>): boolean {
    if (refusals.size < Math.min(2, this.nodes.nodes.length) || this.nodes.readable(avoided).length > 0) return false;
    return new Set([...refusals.values()].map(({ sqlState }) => sqlState)).size === 1;
  }

  /** Reads data that only the primary knows, whatever the load of the primary. It waits for no other node. */
  async readOnPrimary<Row, Extra>(
    query: Query<Row, Extra>,
    values: readonly unknown[],
  ): Promise<GroupAnswer<Row, Extra> | ReadFailure> {
    const node = this.nodes.readable().find(({ assigned }) => assigned === 'primary');
    const reader = { position: NO_POSITION, waitMs: 0 };
    const attempt = node && (await this.#attempt(node, query, values, reader, undefined));
    if (attempt?.type === 'answer' && attempt.source.role === 'primary') {
      this.#metrics.answered(attempt.source);
      return attempt;
    }
    if (attempt?.type === 'failed' && readFailureKind(attempt.error.sqlState) === 'request') {
      return { type: 'bad-value', reason: attempt.error.message };
    }
    const fault = attempt?.type === 'failed' ? `${node?.name}: ${attempt.error.message}` : 'no primary is reachable';
    return { type: 'no-node', fault: `group ${this.group}: ${fault}` };
  }

  #choose(candidates: readonly Node[], requirements: Omit<ReadRequirements, 'primaryAllowed'>): Node | undefined {
    const primaryAllowed = this.#budget.allows(performance.now());
    const node = chooseNode(candidates, { ...requirements, primaryAllowed }, Math.random);
    // Without a replica there is no reason to spare the primary.
    if (node?.role === 'primary' && candidates.length > 1) {
      this.#budget.take();
      this.#metrics.takenOver(this.group);
    }
    return node;
  }

  async #attempt<Row, Extra>(
    node: Node,
    query: Query<Row, Extra>,
    values: readonly unknown[],
    { lagMsMax }: ReadOptions,
    wanted: BatchPosition | undefined,
  ): Promise<Attempt<Row, Extra>> {
    const askedMs = performance.now();
    let rows: (Row & StateRow)[];
    try {
      rows = await node.read<Row & StateRow>(query.statement, values, query.pace);
    } catch (error) {
      if (error instanceof SlowLaneFullError) return { type: 'full', error };
      if (!(error instanceof ReadError)) throw error;
      this.#metrics.retried(node.name, error.sqlState);
      return { type: 'failed', error };
    }
    const first = rows[0];
    if (first === undefined) return { type: 'empty' };
    const shown = shownBy(first);
    const { position } = shown;
    const lagMs = node.note(shown, askedMs);
    if (wanted !== undefined) {
      // The node's last probe did not report this term yet. The next probe will.
      if (wanted.term < position.term && !node.knows(position)) await node.probe();
      if (wanted.term < position.term && !node.knows(position)) return { type: 'behind' };
      const coverage = covers(position, wanted, node.terms);
      if (coverage !== 'covered') return { type: coverage };
    }
    if (lagMsMax !== undefined && (lagMs === undefined || lagMs > lagMsMax)) return { type: 'behind' };
    return {
      type: 'answer',
      rows: first.found === null ? [] : rows,
      extra: first as Extra,
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
    this.#metrics.failed(this.group, failure.type);
    return failure;
  }
}
