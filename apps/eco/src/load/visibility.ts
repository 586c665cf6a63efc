import { sleep } from '@eco/base';
import type { RunningSystem } from '@eco/cluster';
import { ReadSession, type Statement } from '@eco/postgres';

/** One database node that the load observes. */
interface Watched {
  name: string;
  open(): Promise<ReadSession>;
  session: ReadSession;
  /** Batch and number within the batch of the last order that the node showed. */
  last: { seq: string; n: number };
  seen: number;
}

/**
 * Observes on every node of every group which orders have become visible, and when the last node showed each. It
 * queries the nodes directly, because the load also measures the read-service.
 */
export class Visibility {
  /** For each order the time by `performance.now()` at which the last node showed it. */
  readonly visibleMs = new Map<string, number>();
  readonly #nodes: Watched[] = [];
  readonly #nodesShowing = new Map<string, number>();
  readonly #loops: Promise<void>[] = [];
  #failure: Error | undefined;
  #stopped = false;
  readonly #target: RunningSystem;
  readonly #onVisible: (orderId: string) => void;

  constructor(target: RunningSystem, onVisible: (orderId: string) => void) {
    this.#target = target;
    this.#onVisible = onVisible;
  }

  async start(): Promise<void> {
    for (const group of this.#target.groups) {
      for (const node of group.nodes) {
        const open = () =>
          ReadSession.open({
            ...node,
            ...this.#target.databaseLogin('eco_reader'),
            applicationName: 'eco load',
            connectTimeoutMs: 5_000,
            queryTimeoutMs: 5_000,
          });
        const session = await open();
        const [now] = await session.query<{ seq: string }>(LAST_SEQ, []);
        const watched = { name: node.name, open, session, last: { seq: now?.seq ?? '0', n: LAST_PLACE }, seen: 0 };
        this.#nodes.push(watched);
        this.#loops.push(this.#watch(watched, group.nodes.length));
      }
    }
  }

  /** Orders that each node has shown since the start. */
  get rowsByNode(): { node: string; orders: number }[] {
    return this.#nodes.map(({ name, seen }) => ({ node: name, orders: seen }));
  }

  /** Rejects if a node could no longer be queried. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    for (const { session } of this.#nodes) session.close();
    if (this.#failure) throw this.#failure;
  }

  get failed(): Error | undefined {
    return this.#failure;
  }

  /** Queries a node again and again. A node may be away, for example during a restart, but not for too long. */
  async #watch(node: Watched, nodesOfGroup: number): Promise<void> {
    let answeredMs = performance.now();
    while (!this.#stopped) {
      try {
        const found = await this.#look(node, nodesOfGroup);
        answeredMs = performance.now();
        if (found === 0) await sleep(PAUSE_MS);
      } catch (error) {
        if (performance.now() - answeredMs > AWAY_MS) {
          this.#failure ??= new Error(`${node.name} could not be asked any more: ${(error as Error).message}`, {
            cause: error,
          });
          return;
        }
        await sleep(RECONNECT_PAUSE_MS);
      }
    }
  }

  async #look(node: Watched, nodesOfGroup: number): Promise<number> {
    if (node.session.isClosed) node.session = await node.open();
    const rows = await node.session.query<{ id: string; seq: string; n: number }>(NEW_ORDERS, [
      node.last.seq,
      node.last.n,
    ]);
    const nowMs = performance.now();
    for (const { id, seq, n } of rows) {
      node.last = { seq, n };
      node.seen += 1;
      const showing = (this.#nodesShowing.get(id) ?? 0) + 1;
      if (showing < nodesOfGroup) this.#nodesShowing.set(id, showing);
      else {
        this.#nodesShowing.delete(id);
        this.visibleMs.set(id, nowMs);
        this.#onVisible(id);
      }
    }
    return rows.length;
  }
}

const PAUSE_MS = 10;
const RECONNECT_PAUSE_MS = 250;
/** Longest time for which a node may be away, ms. It is longer than any restart that the system promises to survive. */
const AWAY_MS = 60_000;
/** A number larger than any within a batch. */
const LAST_PLACE = 2_147_483_647;

const LAST_SEQ: Statement = { name: 'load_last_seq', text: 'SELECT g.seq FROM eco.group_position g' };

const NEW_ORDERS: Statement = {
  name: 'load_new_orders',
  text: `SELECT o.order_id AS id, o.decided_seq AS seq, o.n
         FROM eco.orders o
         WHERE (o.decided_seq, o.n) > ($1::bigint, $2::int) AND o.decided_seq IS NOT NULL
         ORDER BY o.decided_seq, o.n
         LIMIT 2000`,
};
