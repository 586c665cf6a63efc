import { CENTRAL_LOCATION, type OutcomeStatus } from '@eco/contracts';
import {
  levelKey,
  type Cart,
  type NeededKeys,
  type OpenDeadLetter,
  type Product,
  type StockLevel,
  type StoredOutcome,
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
SELECT d.command_id, encode(d.body_hash, 'hex'), d.reason
FROM eco.dead_letter d
WHERE d.command_id = ANY ($1::uuid[]) AND d.state = 'open'`,
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
  readonly deadLetters = new Map<string, OpenDeadLetter[]>();
  readonly products = new Map<string, Product>();
  readonly levels = new Map<string, StockLevel>();
  readonly customers = new Set<string>();
  readonly carts = new Map<string, Cart>();

  addDeadLetter(commandId: string, letter: OpenDeadLetter): void {
    const letters = this.deadLetters.get(commandId);
    if (letters === undefined) this.deadLetters.set(commandId, [letter]);
    else letters.push(letter);
  }

  /** bigint comes as text, and a product that never had stock has no level. */
  addProduct(row: Row): void {
    const [productId, name, priceCents, version, deleted] = row as [string, string, string, number, boolean];
    const [onHand, reserved, sequence] = row.slice(5) as (string | null)[];
    this.products.set(productId, { productId, name, priceCents: Number(priceCents), version, deleted });
    if (sequence === null) return;
    this.levels.set(levelKey(productId, CENTRAL_LOCATION), {
      productId,
      location: CENTRAL_LOCATION,
      onHand: Number(onHand),
      reserved: Number(reserved),
      sequence: Number(sequence),
    });
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

  load(ownership, [], ([bucket]) => state.ownedBuckets.add(bucket as number));
  loadBy(outcomes, keys.commandIds, (row) => {
    const [commandId, bodyHash, status, result] = row as [string, string, OutcomeStatus, StoredOutcome['result']];
    state.outcomes.set(commandId, { bodyHash, status, result });
  });
  loadBy(deadLetters, keys.commandIds, (row) => {
    const [commandId, bodyHash, reason] = row as [string, string, string];
    state.addDeadLetter(commandId, { bodyHash, reason });
  });
  loadBy(products, keys.productIds, (row) => state.addProduct(row));
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
