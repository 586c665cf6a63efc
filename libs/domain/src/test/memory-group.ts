import { decideBatch } from '../batch.js';
import type { Arrived, DeadLetterRow, Effects, MovementRow, OrderRow, OutcomeRow, CustomerRow } from '../effects.js';
import { neededKeys } from '../needed-keys.js';
import { levelKey, type BatchState, type Cart, type NeededKeys, type Product, type StockLevel } from '../state.js';

export const BUCKETS = 16;
const ALL_BUCKETS: ReadonlySet<number> = new Set(Array.from({ length: BUCKETS }, (_, bucket) => bucket));

/**
 * A database group in memory, for specs: a batch is loaded by its keys and nothing else, decided, and stored as the
 * tables would have it: what is inserted must be new, what is there is frozen.
 */
export class MemoryGroup {
  readonly outcomes = new Map<string, OutcomeRow>();
  readonly orders = new Map<string, OrderRow>();
  readonly movements = new Map<string, MovementRow>();
  readonly levels = new Map<string, StockLevel>();
  readonly products = new Map<string, Product>();
  readonly customers = new Map<string, CustomerRow>();
  readonly carts = new Map<string, Effects['carts'][number]>();
  readonly cartItems = new Map<string, Effects['cartItems'][number]>();
  readonly deadLetters = new Map<string, DeadLetterRow>();
  private seq = 0;

  constructor(
    private readonly at = '2026-11-24T12:00:00.000Z',
    private readonly ownedBuckets = ALL_BUCKETS,
  ) {}

  write(arrived: readonly Arrived[]): Effects {
    const state = this.load(neededKeys(arrived));
    const effects = decideBatch(state, arrived);
    this.store(effects);
    return effects;
  }

  load(keys: NeededKeys): BatchState {
    this.seq += 1;
    const inCarts = [...this.cartItems.values()].filter(({ customerId }) =>
      keys.checkOutCustomerIds.includes(customerId),
    );
    const productIds = [...keys.productIds, ...inCarts.map(({ productId }) => productId)];
    const letters = [...this.deadLetters.values()];
    return {
      position: { group: 'g1', term: 1, tag: '1f0c5e9a', seq: this.seq },
      at: this.at,
      buckets: BUCKETS,
      ownedBuckets: this.ownedBuckets,
      outcomes: only(this.outcomes, keys.commandIds),
      deadLetters: new Map(keys.commandIds.map((id) => [id, letters.filter(({ commandId }) => commandId === id)])),
      products: only(this.products, productIds),
      levels: new Map([...this.levels].filter(([, { productId }]) => productIds.includes(productId))),
      customers: new Set(keys.customerIds.filter((customerId) => this.customers.has(customerId))),
      carts: new Map(keys.cartCustomerIds.flatMap((customerId) => this.cart(customerId))),
    };
  }

  /** None where nothing was ever put in or cleared. */
  private cart(customerId: string): [string, Cart][] {
    const items = [...this.cartItems.values()].filter((item) => item.customerId === customerId);
    const clearedStamp = this.carts.get(customerId)?.clearedStamp ?? null;
    return items.length === 0 && clearedStamp === null ? [] : [[customerId, { customerId, clearedStamp, items }]];
  }

  private store(effects: Effects): void {
    for (const row of effects.outcomes) insert(this.outcomes, row.commandId, row);
    for (const row of effects.orders) insert(this.orders, row.orderId, row);
    for (const row of effects.movements) {
      insert(this.movements, `${levelKey(row.productId, row.location)}\n${row.sequence}`, row);
    }
    for (const row of effects.customers) insert(this.customers, row.customerId, row);
    for (const row of effects.deadLetters) insert(this.deadLetters, `${row.commandId}\n${row.bodyHash}`, row);
    upsert(this.levels, effects.levels, ({ productId, location }) => levelKey(productId, location));
    upsert(this.products, effects.products, ({ productId }) => productId);
    upsert(this.cartItems, effects.cartItems, ({ customerId, productId }) => `${customerId}\n${productId}`);
    upsert(this.carts, effects.carts, ({ customerId }) => customerId);
  }
}

function only<T>(rows: ReadonlyMap<string, T>, keys: readonly string[]): Map<string, T> {
  return new Map([...rows].filter(([key]) => keys.includes(key)));
}

function insert<T extends object>(rows: Map<string, T>, key: string, row: T): void {
  if (rows.has(key)) throw new Error(`there is a row ${key} already`);
  rows.set(key, Object.freeze(row));
}

/** One row a key and batch: INSERT … ON CONFLICT can't touch a row twice. */
function upsert<T extends object>(rows: Map<string, T>, changed: readonly T[], keyOf: (row: T) => string): void {
  if (new Set(changed.map(keyOf)).size !== changed.length) throw new Error('a batch writes one row twice');
  for (const row of changed) rows.set(keyOf(row), Object.freeze(row));
}
