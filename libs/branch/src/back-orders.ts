import type { CommandOf } from '@eco/contracts';
import { pagesOf, type Appended, type Outbox } from '@eco/journal';
import type { Recorder } from './recorder.js';
import type { BackOrder, Page } from './types.js';

interface BackOrderRow {
  readonly order_id: string;
  readonly customer_id: string;
  readonly placed_at: string;
  readonly lines: string;
  readonly status: BackOrder['status'];
  readonly decision: string | null;
  readonly decided_at: string | null;
}

const LAST = Number.MAX_SAFE_INTEGER;

/** Orders that the branch has taken and the head office decides. They promise nothing until then. */
export class BackOrders {
  readonly #recorder: Recorder;
  readonly #outbox: Outbox;

  constructor(recorder: Recorder, outbox: Outbox) {
    this.#recorder = recorder;
    this.#outbox = outbox;
  }

  /** Keeps an order in a lane of the outbox until the brokers confirm it. */
  keep(lane: string, command: CommandOf<'order.place'>): Promise<Appended> {
    const { orderId, customerId, lines } = command.body;
    const text = JSON.stringify(command);
    return this.#outbox.append(
      { queue: lane, id: command.id, text },
      {
        pages: pagesOf(Buffer.byteLength(text)),
        run: () => this.#insert(orderId, customerId, this.#recorder.nowText, lines),
      },
    );
  }

  /** The order may be stored already: a client repeats it, or the head office's decision arrived first. */
  #insert(orderId: string, customerId: string, placedAt: string, lines: BackOrder['lines']): void {
    this.#recorder.sql.run(
      `INSERT INTO back_orders (order_id, customer_id, placed_at, lines, status) VALUES (?, ?, ?, ?, 'waiting')
       ON CONFLICT (order_id) DO NOTHING`,
      orderId,
      customerId,
      placedAt,
      JSON.stringify(lines),
    );
  }

  order(orderId: string): BackOrder | undefined {
    const row = this.#recorder.sql.get<BackOrderRow>('SELECT * FROM back_orders WHERE order_id = ?', orderId);
    return row && backOrderOf(row);
  }

  /** The latest first. */
  page({ limit, before }: Page): BackOrder[] {
    return this.#recorder.sql
      .all<BackOrderRow>(
        `SELECT * FROM back_orders WHERE n < coalesce((SELECT n FROM back_orders WHERE order_id = ?), ${LAST})
         ORDER BY n DESC LIMIT ?`,
        before ?? '',
        limit,
      )
      .map(backOrderOf);
  }

  /**
   * Stores what the head office has decided about an order of the branch. The branch may not have kept it, because the
   * brokers confirmed it at once.
   */
  decide(order: DecidedOrder, status: Exclude<BackOrder['status'], 'waiting'>, decidedAt: string): void {
    const { orderId, customerId, branchId } = order;
    if (branchId !== this.#recorder.branchId) return;
    this.#insert(
      orderId,
      customerId,
      decidedAt,
      (order.lines ?? []).map(({ productId, quantity }) => ({ productId, quantity })),
    );
    this.#recorder.sql.run(
      'UPDATE back_orders SET status = ?, decision = ?, decided_at = ? WHERE order_id = ?',
      status,
      JSON.stringify(order),
      decidedAt,
      orderId,
    );
  }
}

/** Data of a change of an order. A rejection states only the lines that were short. */
interface DecidedOrder {
  readonly orderId: string;
  readonly customerId: string;
  readonly branchId: string | null;
  readonly lines?: BackOrder['lines'];
}

function backOrderOf(row: BackOrderRow): BackOrder {
  return {
    orderId: row.order_id,
    customerId: row.customer_id,
    placedAt: row.placed_at,
    lines: JSON.parse(row.lines) as BackOrder['lines'],
    status: row.status,
    decision: row.decision === null ? null : (JSON.parse(row.decision) as unknown),
    decidedAt: row.decided_at,
  };
}
