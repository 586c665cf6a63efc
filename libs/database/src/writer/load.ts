import { CENTRAL_LOCATION } from '@eco/contracts';
import { levelKey, type BatchState, type Cart, type NeededKeys, type OpenDeadLetter } from '@eco/domain';
import { plainArray, textArray } from './array-literals.js';
import type { Row, Statement, WriterSession } from './session.js';

/**
 * Load: what a batch's commands touch, by their keys, each statement pipelined behind the fence. They run after it, so
 * they see what the predecessor committed; and nobody else can write until this transaction ends.
 */

type State = Omit<BatchState, 'position' | 'at' | 'buckets'>;

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

/** Sends what `keys` need, and no more; call it inside `session.together`. What comes back fills the state. */
export function sendLoad(session: WriterSession, keys: NeededKeys): { sent: Promise<unknown>[]; state: State } {
  const loaded = {
    ownedBuckets: new Set<number>(),
    outcomes: new Map<string, BatchState['outcomes'] extends ReadonlyMap<string, infer V> ? V : never>(),
    deadLetters: new Map<string, OpenDeadLetter[]>(),
    products: new Map<string, BatchState['products'] extends ReadonlyMap<string, infer V> ? V : never>(),
    levels: new Map<string, BatchState['levels'] extends ReadonlyMap<string, infer V> ? V : never>(),
    customers: new Set<string>(),
    carts: new Map<string, Cart>(),
  };
  const sent: Promise<unknown>[] = [];
  const send = (statement: Statement, values: unknown[], take: (row: Row) => void) => {
    sent.push(session.run(statement, values).then(({ rows }) => rows.forEach(take)));
  };

  send(ownership, [], ([bucket]) => loaded.ownedBuckets.add(bucket as number));
  const { commandIds, productIds, customerIds, cartCustomerIds, checkOutCustomerIds } = keys;
  if (commandIds.length > 0) {
    const ids = plainArray(commandIds, (id) => id);
    send(outcomes, [ids], ([commandId, bodyHash, status, result]) =>
      loaded.outcomes.set(commandId as string, { bodyHash, status, result } as never),
    );
    send(deadLetters, [ids], ([commandId, bodyHash, reason]) => {
      const letters = loaded.deadLetters.get(commandId as string) ?? [];
      letters.push({ bodyHash, reason } as OpenDeadLetter);
      loaded.deadLetters.set(commandId as string, letters);
    });
  }
  const takeProduct = (row: Row) => {
    const [productId, name, priceCents, version, deleted, onHand, reserved, sequence] = row as [
      string,
      string,
      string,
      number,
      boolean,
      string | null,
      string | null,
      string | null,
    ];
    loaded.products.set(productId, { productId, name, priceCents: Number(priceCents), version, deleted });
    if (sequence === null) return;
    loaded.levels.set(levelKey(productId, CENTRAL_LOCATION), {
      productId,
      location: CENTRAL_LOCATION,
      onHand: Number(onHand),
      reserved: Number(reserved),
      sequence: Number(sequence),
    });
  };
  const texts = (values: readonly string[]) => textArray(values, (value) => value);
  if (productIds.length > 0) send(products, [texts(productIds)], takeProduct);
  if (checkOutCustomerIds.length > 0) send(productsInCarts, [texts(checkOutCustomerIds)], takeProduct);
  if (customerIds.length > 0) {
    send(customers, [texts(customerIds)], ([customerId]) => loaded.customers.add(customerId as string));
  }
  if (cartCustomerIds.length > 0) {
    const ids = texts(cartCustomerIds);
    const cartOf = (customerId: string): Cart => {
      const cart = loaded.carts.get(customerId) ?? { customerId, clearedStamp: null, items: [] };
      loaded.carts.set(customerId, cart);
      return cart;
    };
    send(carts, [ids], ([customerId, clearedStamp]) => {
      cartOf(customerId as string).clearedStamp = clearedStamp as string;
    });
    send(cartItems, [ids], ([customerId, productId, quantity, stamp]) =>
      cartOf(customerId as string).items.push({ productId, quantity, stamp } as Cart['items'][number]),
    );
  }
  return { sent, state: loaded };
}
