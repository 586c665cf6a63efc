import { CENTRAL_LOCATION, type OutcomeStatus, type RefusalReason } from '@eco/contracts';
import {
  levelKey,
  type Cart,
  type DeadLetter,
  type NeededKeys,
  type Order,
  type Product,
  type Reservation,
  type StockLevel,
  type StoredOutcome,
  type Transfer,
} from '@eco/domain';
import { textsLiteral } from './array-literals.js';
import type { Row, Statement, WriterSession } from './session.js';

/**
 * Load: what a batch's commands touch, by their keys, each statement pipelined behind the fence. They run after it, so
 * they see what the predecessor committed; and nobody else can write until this transaction ends.
 */

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

const PRODUCT_WITH_LEVEL = `
SELECT p.product_id, p.name, p.price_cents, p.version, p.deleted, l.on_hand, l.reserved, l.sequence
FROM eco.product p
LEFT JOIN eco.stock_level l ON l.product_id = p.product_id AND l.location = '${CENTRAL_LOCATION}'`;

const products: Statement = {
  name: 'load products',
  text: `${PRODUCT_WITH_LEVEL}
WHERE p.product_id = ANY ($1::text[])`,
};

const productsInCarts: Statement = {
  name: 'load products in carts',
  text: `${PRODUCT_WITH_LEVEL}
WHERE p.product_id IN (SELECT i.product_id FROM eco.cart_item i WHERE i.customer_id = ANY ($1::text[]))`,
};

const tombstones: Statement = {
  name: 'load tombstones',
  text: `SELECT t.command_id, t.reason FROM eco.tombstone t WHERE t.command_id = ANY ($1::uuid[])`,
};

/**
 * The reservations that are due, as of the instant that the fence has set, with those that are named ($2), and the
 * levels that they hold. All that are due of the products of this batch ($1), so that nobody is refused for what nobody
 * holds; of others a few each batch. Both have a bound: after a long standstill a batch would not end in time. While none
 * is due, no product is looked for.
 */
const reservations: Statement = {
  name: 'load reservations',
  text: `
WITH now AS MATERIALIZED (SELECT s.at FROM eco.group_position s),
wanted AS (
  (SELECT h.reservation_id FROM eco.hold h WHERE h.expires_at <= (SELECT at FROM now) ORDER BY h.expires_at LIMIT 500)
  UNION
  (SELECT h.reservation_id FROM eco.hold h
   WHERE EXISTS (SELECT FROM eco.hold d WHERE d.expires_at <= (SELECT at FROM now))
     AND h.product_id = ANY ($1::text[]) AND h.expires_at <= (SELECT at FROM now)
   LIMIT 5000)
  UNION
  SELECT unnest($2::uuid[])
)
SELECT r.reservation_id, r.customer_id, r.branch_id, r.status, r.lines, r.total_cents, r.created_at, r.expires_at,
  r.order_id, l.product_id, l.location, l.on_hand, l.reserved, l.sequence
FROM wanted w
JOIN eco.reservation r ON r.reservation_id = w.reservation_id
LEFT JOIN eco.hold h ON h.reservation_id = r.reservation_id
LEFT JOIN eco.stock_level l ON l.product_id = h.product_id AND l.location = '${CENTRAL_LOCATION}'`,
};

/** With the levels that they hold. */
const orders: Statement = {
  name: 'load orders',
  text: `
SELECT o.order_id, o.customer_id, o.branch_id, o.status, o.lines, o.total_cents, o.returned,
  l.product_id, l.location, l.on_hand, l.reserved, l.sequence
FROM eco.orders o
CROSS JOIN LATERAL jsonb_array_elements(o.lines) AS line
LEFT JOIN eco.stock_level l ON l.product_id = line ->> 'productId' AND l.location = '${CENTRAL_LOCATION}'
WHERE o.order_id = ANY ($1::uuid[])`,
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

const cartItems: Statement = {
  name: 'load cart items',
  text: `
SELECT i.customer_id, i.product_id, i.quantity, i.stamp
FROM eco.cart_item i
WHERE i.customer_id = ANY ($1::text[])
ORDER BY i.customer_id, i.product_id`,
};

/** What the loading fills; `BatchState` without what the fence gives. */
class LoadedState {
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
    const [commandId, bodyHash, state, kind, bucket, errorClass, place, reason, tries, lastNumber] = row;
    const letter = { commandId, bodyHash, state, kind, bucket, errorClass, place, reason, tries, lastNumber };
    const letters = this.deadLetters.get(commandId as string);
    if (letters === undefined) this.deadLetters.set(commandId as string, [letter as DeadLetter]);
    else letters.push(letter as DeadLetter);
  }

  /** bigint comes as text, and a product that never had stock has no level. */
  addProduct(row: Row): void {
    const [productId, name, priceCents, version, deleted] = row as [string, string, string, number, boolean];
    const [onHand, reserved, sequence] = row.slice(5) as (string | null)[];
    this.products.set(productId, { productId, name, priceCents: Number(priceCents), version, deleted });
    this.addLevel(sequence === null ? null : productId, CENTRAL_LOCATION, onHand, reserved, sequence);
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

  addReservation(row: Row): void {
    const [reservationId, customerId, branchId, status, lines, totalCents, createdAt, expiresAt, orderId] = row;
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
    this.addLevel(...(row.slice(9) as Parameters<LoadedState['addLevel']>));
  }

  addOrder(row: Row): void {
    const [orderId, customerId, branchId, status, lines, totalCents, returned] = row;
    const order = { orderId, customerId, branchId, status, lines, totalCents: Number(totalCents) };
    this.orders.set(orderId as string, { ...order, returned: returned ?? [] } as Order);
    this.addLevel(...(row.slice(7) as Parameters<LoadedState['addLevel']>));
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

/** Sends what `keys` need and nothing else; call it inside `session.together`. `state` is filled when all have answered. */
export function sendLoad(session: WriterSession, keys: NeededKeys): { sent: Promise<unknown>[]; state: LoadedState } {
  const state = new LoadedState();
  const sent: Promise<unknown>[] = [];
  const load = (statement: Statement, values: unknown[], take: (row: Row) => void) => {
    sent.push(session.run(statement, values).then(({ rows }) => rows.forEach(take)));
  };
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
  load(reservations, [productIds, textsLiteral(keys.reservationIds)], (row) => state.addReservation(row));
  loadBy(orders, keys.orderIds, (row) => state.addOrder(row));
  loadBy(levels, keys.stockProductIds, (row) => state.addLevel(...(row as Parameters<LoadedState['addLevel']>)));
  loadBy(transfers, keys.transferIds, (row) => state.addTransfer(row));
  loadBy(locations, keys.locations, ([location]) => state.locations.add(location as string));
  loadBy(productsInCarts, keys.checkOutCustomerIds, (row) => state.addProduct(row));
  loadBy(customers, keys.customerIds, ([customerId]) => state.customers.add(customerId as string));
  loadBy(carts, keys.cartCustomerIds, (row) => {
    const [customerId, clearedStamp] = row as [string, string];
    state.cartOf(customerId).clearedStamp = clearedStamp;
  });
  loadBy(cartItems, keys.cartCustomerIds, (row) => {
    const [customerId, productId, quantity, stamp] = row as [string, string, number, string];
    state.cartOf(customerId).items.push({ productId, quantity, stamp });
  });
  return { sent, state };
}
