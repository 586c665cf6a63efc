import { CENTRAL, MAX_ORDER_LINES, type OutcomeStatus, type RefusalReason } from '@eco/contracts';
import {
  levelKey,
  type Cart,
  type DeadLetter,
  type KeysLeftOut,
  type NeededKeys,
  type Order,
  type Product,
  type Reservation,
  type StockLevel,
  type StoredOutcome,
  type Transfer,
} from '@eco/domain';
import { textsLiteral } from '@eco/postgres';
import type { Row, Statement, WriterSession } from './session.js';

/**
 * Loads what a batch's commands touch, by key. Each statement is pipelined behind the fence and runs after it, so it
 * sees what the previous leader committed. Nobody else can write until this transaction ends.
 */

/** Limits of what one batch loads. */
export interface LoadBounds {
  /** Lines of orders, of reservations, of carts: this many of each, plus one order or reservation. */
  lines: number;
  /** Lines of due reservations whose products the batch does not touch. */
  swept: number;
}

/** What was not loaded because of the limits. Commands that need it can't be decided yet. */
export interface LeftOut extends KeysLeftOut {
  /** Due reservations that hold units of this batch's products; they end before anything is decided. */
  due: boolean;
}

/** The order in which reservations are loaded. */
const RANK = { blocking: 0, named: 1, swept: 2 };

const ownership: Statement = {
  name: 'load ownership',
  text: `SELECT o.bucket FROM eco.bucket_ownership o WHERE o.state = 'owned'`,
};

const outcomes: Statement = {
  name: 'load outcomes',
  text: `
SELECT u.command_id, encode(u.body_hash, 'hex'), u.status, u.result
FROM eco.outcome_full u
WHERE u.command_id = ANY ($1::uuid[])`,
};

const deadLetters: Statement = {
  name: 'load dead letters',
  text: `
SELECT d.command_id, encode(d.body_hash, 'hex'), d.state, d.kind, d.bucket, d.error_class, d.place, d.reason, d.tries,
  d.last_number
FROM eco.dead_letter d
WHERE d.command_id = ANY ($1::uuid[])`,
};

/** Cart items of these customers ($1), in their order, at most $2; the last cart may then be incomplete. */
const ITEMS_IN_CARTS = `
SELECT i.customer_id, i.product_id, i.quantity, i.stamp, i.order_id, i.ordered_stamp
FROM unnest($1::text[]) WITH ORDINALITY AS w(customer_id, n)
JOIN eco.cart_item i ON i.customer_id = w.customer_id
ORDER BY w.n, i.product_id
LIMIT $2::bigint`;

const PRODUCT_WITH_LEVEL = `
SELECT p.product_id, p.name, p.price_cents, p.version, p.deleted, l.on_hand, l.reserved, l.sequence
FROM eco.product p
LEFT JOIN eco.stock_level l ON l.product_id = p.product_id AND l.location = '${CENTRAL}'`;

const products: Statement = {
  name: 'load products',
  text: `${PRODUCT_WITH_LEVEL}
WHERE p.product_id = ANY ($1::text[])`,
};

/** Prices and levels for customers who check out ($3), as far as `cartItems` loads their carts. */
const productsInCarts: Statement = {
  name: 'load products in carts',
  text: `${PRODUCT_WITH_LEVEL}
WHERE p.product_id IN (
  SELECT i.product_id FROM (${ITEMS_IN_CARTS}) i WHERE i.customer_id = ANY ($3::text[])
)`,
};

const tombstones: Statement = {
  name: 'load tombstones',
  text: `SELECT t.command_id, t.reason FROM eco.tombstone t WHERE t.command_id = ANY ($1::uuid[])`,
};

/*
 * An order or reservation is one row that contains its lines once: 200 lines are 18 kB; a copy per line was 4 MB. The
 * levels of all their products are separate rows of the same answer, each once. LIMIT 1 keeps the planner from joining:
 * it can't know how many keys there are, and scanning a large table for them takes seconds. What exceeds the batch's
 * limit of lines comes without its lines.
 */
const levelsOf = (table: string, status: string) => `
SELECT l.product_id, l.on_hand, l.reserved, l.sequence
FROM (
  SELECT DISTINCT line ->> 'productId' AS product_id
  FROM ${table} f CROSS JOIN LATERAL jsonb_array_elements(f.lines) AS line
  WHERE f.fits AND f.status = '${status}'
) p
CROSS JOIN LATERAL (
  SELECT s.product_id, s.on_hand, s.reserved, s.sequence
  FROM eco.stock_level s WHERE s.product_id = p.product_id AND s.location = '${CENTRAL}'
  LIMIT 1
) l`;

/**
 * The reservations that are due at the instant set by the fence, those that are named ($2), and the levels that they
 * hold. All due reservations of this batch's products ($1) come first, so that no command is refused because of an
 * expired hold. Of the others, $4 lines are loaded. All together may have $3 lines. While none is due, no product is
 * looked up. A reservation has at most ${MAX_ORDER_LINES} holds, so where the inner LIMIT cuts, something does not fit.
 */
const reservations: Statement = {
  name: 'load reservations',
  text: `
WITH now AS MATERIALIZED (SELECT s.at FROM eco.group_position s),
wanted AS (
  (SELECT h.reservation_id, ${RANK.blocking} AS rank, 0::bigint AS n FROM eco.hold h
   WHERE EXISTS (SELECT FROM eco.hold d WHERE d.expires_at <= (SELECT at FROM now))
     AND h.product_id = ANY ($1::text[]) AND h.expires_at <= (SELECT at FROM now)
   LIMIT 2 * $3::bigint + ${MAX_ORDER_LINES})
  UNION ALL
  SELECT w.reservation_id, ${RANK.named}, w.n FROM unnest($2::uuid[]) WITH ORDINALITY AS w(reservation_id, n)
  UNION ALL
  (SELECT h.reservation_id, ${RANK.swept}, 0 FROM eco.hold h
   WHERE h.expires_at <= (SELECT at FROM now) ORDER BY h.expires_at LIMIT $4::bigint)
),
ranked AS (SELECT w.reservation_id, min(w.rank) AS rank, min(w.n) AS n FROM wanted w GROUP BY w.reservation_id),
found AS MATERIALIZED (
  SELECT r.reservation_id, r.customer_id, r.branch_id, r.status, r.lines, r.total_cents, r.created_at, r.expires_at,
    r.order_id, w.rank, sum(jsonb_array_length(r.lines)) OVER (ORDER BY w.rank, w.n, r.reservation_id)
      - jsonb_array_length(r.lines) < $3::bigint AS fits
  FROM ranked w CROSS JOIN LATERAL (
    SELECT * FROM eco.reservation v WHERE v.reservation_id = w.reservation_id LIMIT 1
  ) r
)
SELECT f.reservation_id, f.customer_id, f.branch_id, f.status, CASE WHEN f.fits THEN f.lines END, f.total_cents,
  f.created_at, f.expires_at, f.order_id, f.rank, NULL AS product_id, NULL AS on_hand, NULL AS reserved, NULL AS sequence
FROM found f
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, l.* FROM (${levelsOf('found', 'held')}) l`,
};

/** With the levels that they hold. */
const orders: Statement = {
  name: 'load orders',
  text: `
WITH found AS MATERIALIZED (
  SELECT o.order_id, o.customer_id, o.branch_id, o.status, o.lines, o.total_cents, o.returned,
    sum(jsonb_array_length(o.lines)) OVER (ORDER BY w.n) - jsonb_array_length(o.lines) < $2::bigint AS fits
  FROM unnest($1::uuid[]) WITH ORDINALITY AS w(order_id, n) CROSS JOIN LATERAL (
    SELECT * FROM eco.orders v WHERE v.order_id = w.order_id LIMIT 1
  ) o
)
SELECT f.order_id, f.customer_id, f.branch_id, f.status, CASE WHEN f.fits THEN f.lines END, f.total_cents,
  CASE WHEN f.fits THEN f.returned END, NULL AS product_id, NULL AS on_hand, NULL AS reserved, NULL AS sequence
FROM found f
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, l.* FROM (${levelsOf('found', 'confirmed')}) l`,
};

const levels: Statement = {
  name: 'load levels',
  text: `
SELECT l.product_id, l.location, l.on_hand, l.reserved, l.sequence
FROM eco.stock_level l
WHERE l.product_id = ANY ($1::text[])`,
};

const transfers: Statement = {
  name: 'load transfers',
  text: `
SELECT t.transfer_id, t.product_id, t.from_location, t.to_location, t.quantity, t.status, t.sent_at, t.arrived_at
FROM eco.transfer t
WHERE t.transfer_id = ANY ($1::uuid[])`,
};

const locations: Statement = {
  name: 'load locations',
  text: `SELECT l.location FROM eco.location l WHERE l.location = ANY ($1::text[])`,
};

const customers: Statement = {
  name: 'load customers',
  text: `SELECT c.customer_id FROM eco.customer c WHERE c.customer_id = ANY ($1::text[])`,
};

const carts: Statement = {
  name: 'load carts',
  text: `SELECT c.customer_id, c.cleared_stamp FROM eco.cart c WHERE c.customer_id = ANY ($1::text[])`,
};

const cartItems: Statement = { name: 'load cart items', text: ITEMS_IN_CARTS };

/** What loading fills: `BatchState` without the fence's values. */
class LoadedState {
  readonly leftOut = {
    orderIds: new Set<string>(),
    reservationIds: new Set<string>(),
    cartCustomerIds: new Set<string>(),
    due: false,
  };
  readonly ownedBuckets = new Set<number>();
  readonly outcomes = new Map<string, StoredOutcome>();
  readonly deadLetters = new Map<string, DeadLetter[]>();
  readonly products = new Map<string, Product>();
  readonly levels = new Map<string, StockLevel>();
  readonly customers = new Set<string>();
  readonly carts = new Map<string, Cart>();
  readonly orders = new Map<string, Order>();
  readonly reservations = new Map<string, Reservation>();
  readonly transfers = new Map<string, Transfer>();
  readonly locations = new Set<string>();
  readonly tombstones = new Map<string, RefusalReason>();

  addDeadLetter(row: Row): void {
    const [commandId, bodyHash, state, kind, bucket, errorClass, failureSite, reason, tries, lastNumber] = row;
    const letter = { commandId, bodyHash, state, kind, bucket, errorClass, failureSite, reason, tries, lastNumber };
    const letters = this.deadLetters.get(commandId as string);
    if (letters === undefined) this.deadLetters.set(commandId as string, [letter as DeadLetter]);
    else letters.push(letter as DeadLetter);
  }

  /** A bigint arrives as text, and a product that never had stock has no level. */
  addProduct(row: Row): void {
    const [productId, name, priceCents, version, deleted] = row as [string, string, string, number, boolean];
    const [onHand, reserved, sequence] = row.slice(5) as (string | null)[];
    this.products.set(productId, { productId, name, priceCents: Number(priceCents), version, deleted });
    this.addLevel(sequence === null ? null : productId, CENTRAL, onHand, reserved, sequence);
  }

  /** Null: there is none. */
  addLevel(productId: string | null, location: unknown, onHand: unknown, reserved: unknown, sequence: unknown): void {
    if (productId === null) return;
    const level = { productId, location: location as string };
    this.levels.set(levelKey(productId, level.location), {
      ...level,
      onHand: Number(onHand),
      reserved: Number(reserved),
      sequence: Number(sequence),
    });
  }

  /** Or a level that one of them holds. */
  addReservation(row: Row): void {
    const [reservationId, customerId, branchId, status, lines, totalCents, createdAt, expiresAt, orderId, rank] = row;
    if (reservationId === null) return this.addHeldLevel(row.slice(10));
    if (lines === null) {
      if (rank === RANK.blocking) this.leftOut.due = true;
      if (rank === RANK.named) this.leftOut.reservationIds.add(reservationId as string);
      return;
    }
    this.reservations.set(
      reservationId as string,
      {
        reservationId,
        customerId,
        branchId,
        status,
        lines,
        totalCents: Number(totalCents),
        createdAt: (createdAt as Date).toISOString(),
        expiresAt: (expiresAt as Date).toISOString(),
        orderId,
      } as Reservation,
    );
  }

  /** Or a level that one of them holds. */
  addOrder(row: Row): void {
    const [orderId, customerId, branchId, status, lines, totalCents, returned] = row;
    if (orderId === null) return this.addHeldLevel(row.slice(7));
    if (lines === null) {
      this.leftOut.orderIds.add(orderId as string);
      return;
    }
    const order = { orderId, customerId, branchId, status, lines, totalCents: Number(totalCents) };
    this.orders.set(orderId as string, { ...order, returned: returned ?? [] } as Order);
  }

  private addHeldLevel([productId, onHand, reserved, sequence]: Row): void {
    this.addLevel(productId as string, CENTRAL, onHand, reserved, sequence);
  }

  /**
   * In the order of `customerIds`. If as many items came as were asked for, the last cart and the carts after it are
   * incomplete.
   */
  addCartItems(rows: readonly Row[], customerIds: readonly string[], itemsMax: number): void {
    const last = rows.length < itemsMax ? undefined : rows.at(-1)?.[0];
    const complete = last === undefined ? customerIds.length : customerIds.indexOf(last as string);
    for (const customerId of customerIds.slice(complete)) this.leftOut.cartCustomerIds.add(customerId);
    for (const row of rows) {
      const [customerId, productId, quantity, stamp] = row as [string, string, number, string];
      const [orderId, orderedStamp] = row.slice(4) as [string | null, string | null];
      if (this.leftOut.cartCustomerIds.has(customerId)) continue;
      const ordered = orderId === null || orderedStamp === null ? null : { orderId, stamp: orderedStamp };
      this.cartOf(customerId).items.push({ productId, quantity, stamp, ordered });
    }
  }

  addTransfer(row: Row): void {
    const [transferId, productId, from, to, quantity, status, sentAt, arrivedAt] = row;
    this.transfers.set(
      transferId as string,
      {
        transferId,
        productId,
        from,
        to,
        quantity: Number(quantity),
        status,
        sentAt: (sentAt as Date).toISOString(),
        arrivedAt: (arrivedAt as Date | null)?.toISOString() ?? null,
      } as Transfer,
    );
  }

  cartOf(customerId: string): Cart {
    let cart = this.carts.get(customerId);
    if (cart === undefined) this.carts.set(customerId, (cart = { customerId, clearedStamp: null, items: [] }));
    return cart;
  }
}

/**
 * Sends the statements that `keys` need; call it inside `session.together`. `state` is complete when all have answered.
 */
export function sendLoad(
  session: WriterSession,
  keys: NeededKeys,
  { lines, swept }: LoadBounds,
): { sent: Promise<unknown>[]; state: LoadedState } {
  const state = new LoadedState();
  const sent: Promise<unknown>[] = [];
  const loadRows = (statement: Statement, values: unknown[], take: (rows: Row[]) => void) => {
    sent.push(session.run(statement, values).then(({ rows }) => take(rows)));
  };
  const load = (statement: Statement, values: unknown[], take: (row: Row) => void) =>
    loadRows(statement, values, (rows) => rows.forEach(take));
  const loadBy = (statement: Statement, wanted: readonly string[], take: (row: Row) => void) => {
    if (wanted.length > 0) load(statement, [textsLiteral(wanted)], take);
  };
  const commandIds = textsLiteral(keys.commandIds);
  const productIds = textsLiteral(keys.productIds);
  const loadByCommand = (statement: Statement, take: (row: Row) => void) => {
    if (keys.commandIds.length > 0) load(statement, [commandIds], take);
  };

  load(ownership, [], ([bucket]) => state.ownedBuckets.add(bucket as number));
  loadByCommand(outcomes, (row) => {
    const [commandId, bodyHash, status, result] = row as [string, string, OutcomeStatus, StoredOutcome['result']];
    state.outcomes.set(commandId, { bodyHash, status, result });
  });
  loadByCommand(deadLetters, (row) => state.addDeadLetter(row));
  loadByCommand(tombstones, ([commandId, reason]) =>
    state.tombstones.set(commandId as string, reason as RefusalReason),
  );
  if (keys.productIds.length > 0) load(products, [productIds], (row) => state.addProduct(row));
  load(reservations, [productIds, textsLiteral(keys.reservationIds), lines, swept], (row) => state.addReservation(row));
  if (keys.orderIds.length > 0) load(orders, [textsLiteral(keys.orderIds), lines], (row) => state.addOrder(row));
  loadBy(levels, keys.stockProductIds, (row) => state.addLevel(...(row as Parameters<LoadedState['addLevel']>)));
  loadBy(transfers, keys.transferIds, (row) => state.addTransfer(row));
  loadBy(locations, keys.locations, ([location]) => state.locations.add(location as string));
  const carted = textsLiteral(keys.cartCustomerIds);
  if (keys.checkOutCustomerIds.length > 0) {
    load(productsInCarts, [carted, lines, textsLiteral(keys.checkOutCustomerIds)], (row) => state.addProduct(row));
  }
  loadBy(customers, keys.customerIds, ([customerId]) => state.customers.add(customerId as string));
  loadBy(carts, keys.cartCustomerIds, (row) => {
    const [customerId, clearedStamp] = row as [string, string];
    state.cartOf(customerId).clearedStamp = clearedStamp;
  });
  if (keys.cartCustomerIds.length > 0) {
    loadRows(cartItems, [carted, lines], (rows) => state.addCartItems(rows, keys.cartCustomerIds, lines));
  }
  return { sent, state };
}
