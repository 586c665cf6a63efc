import type { Address, Login } from '@eco/base';
import { SideConnection } from '@eco/postgres';

/** The group's progress according to its tables, read over one connection with small queries. */
export class GroupWatch {
  readonly #connection: SideConnection;

  /** `login`: eco_reader's, on the primary, where a row is seen once a replica has it too. */
  constructor(primary: Address, login: Login) {
    this.#connection = new SideConnection(primary, login, 'eco bench');
  }

  /** Number of the last batch. */
  async seq(): Promise<number> {
    const [row] = await this.#connection.ask<{ seq: string }>('SELECT s.seq FROM eco.group_position s', [], ASK_MS);
    return Number(row?.seq);
  }

  async ordersAfter(seq: number): Promise<{ orders: number; rejected: number }> {
    const [row] = await this.#connection.ask<{ orders: string; rejected: string }>(ORDERS_AFTER, [seq], ASK_MS);
    return { orders: Number(row?.orders), rejected: Number(row?.rejected) };
  }

  /** Batches of orders after `seq`, by their number. */
  async batchesAfter(seq: number): Promise<OrderBatch[]> {
    const rows = await this.#connection.ask<{ seq: string; begun: Date; orders: string }>(BATCHES, [seq], ASK_MS);
    return rows.map((row) => ({ seq: Number(row.seq), begunMs: row.begun.getTime(), orders: Number(row.orders) }));
  }

  close(): void {
    this.#connection.close();
  }
}

export interface OrderBatch {
  readonly seq: number;
  /** Time at which the batch was fenced, by the group's clock. */
  readonly begunMs: number;
  readonly orders: number;
}

/** Time limit of a count over everything that a run wrote, ms. */
const ASK_MS = 30_000;

const ORDERS_AFTER = `
SELECT count(*) AS orders, count(*) FILTER (WHERE o.status = 'rejected') AS rejected
FROM eco.orders o WHERE o.seq > $1`;

const BATCHES = `
SELECT o.seq, min(o.decided_at) AS begun, count(*) AS orders
FROM eco.orders o WHERE o.seq > $1
GROUP BY o.seq ORDER BY o.seq`;
