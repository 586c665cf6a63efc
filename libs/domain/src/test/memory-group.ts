import { decideBatch } from '../batch.js';
import type {
  Arrived,
  DeadLetterActionRow,
  DeadLetterRow,
  Effects,
  Failure,
  MovementRow,
  OrderRow,
  OutcomeRow,
  CustomerRow,
} from '../effects.js';
import { neededKeys } from '../needed-keys.js';
import {
  levelKey,
  type BatchState,
  type Cart,
  type DeadLetter,
  type NeededKeys,
  type Order,
  type Product,
  type Reservation,
  type StockLevel,
  type Transfer,
} from '../state.js';

export const BUCKETS = 16;
/** Locations of stock. */
export const LOCATIONS: ReadonlySet<string> = new Set(['central', 'sucursal-1']);
const ALL_BUCKETS: ReadonlySet<number> = new Set(Array.from({ length: BUCKETS }, (_, bucket) => bucket));

/**
 * A database group in memory, for specs. A batch is loaded by its keys only, decided, and stored as the tables would:
 * an inserted row must be new, and stored rows are frozen.
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
  readonly deadLetterUpdates = new Map<string, DeadLetter>();
  readonly deadLetterActions = new Map<string, DeadLetterActionRow>();
  readonly orderUpdates = new Map<string, Effects['orderUpdates'][number]>();
  readonly reservations = new Map<string, Reservation>();
  readonly holds = new Map<string, Effects['holds'][number]>();
  readonly transfers = new Map<string, Transfer>();
  readonly tombstones = new Map<string, Effects['tombstones'][number]>();
  private seq = 0;

  /** `at`: the group's clock, which a spec may set forward. */
  constructor(
    public at = '2026-11-24T12:00:00.000Z',
    private readonly ownedBuckets = ALL_BUCKETS,
  ) {}

  write(arrived: readonly Arrived[], failures?: ReadonlyMap<Arrived, Failure>): Effects {
    const state = this.load(neededKeys(arrived));
    const effects = decideBatch(state, arrived, failures);
    this.store(effects);
    return effects;
  }

  load(keys: NeededKeys): BatchState {
    this.seq += 1;
    const inCarts = [...this.cartItems.values()].filter(({ customerId }) =>
      keys.checkOutCustomerIds.includes(customerId),
    );
    const productIds = [...keys.productIds, ...inCarts.map(({ productId }) => productId)];
    const holds = [...this.holds.values()];
    const due = holds.filter(({ expiresAt }) => expiresAt <= this.at).map(({ reservationId }) => reservationId);
    const held = holds.filter(({ reservationId }) => [...keys.reservationIds, ...due].includes(reservationId));
    const ordered = keys.orderIds.flatMap((orderId) => this.orders.get(orderId)?.lines ?? []);
    const atCentral = [...productIds, ...[...held, ...ordered].map(({ productId }) => productId)];
    const letters = this.letters();
    return {
      position: { group: 'g1', term: 1, tag: '1f0c5e9a', seq: this.seq },
      at: this.at,
      buckets: BUCKETS,
      ownedBuckets: this.ownedBuckets,
      outcomes: only(this.outcomes, keys.commandIds),
      deadLetters: new Map(keys.commandIds.map((id) => [id, letters.filter(({ commandId }) => commandId === id)])),
      products: only(this.products, productIds),
      levels: new Map(
        [...this.levels].filter(
          ([, { productId, location }]) =>
            keys.stockProductIds.includes(productId) || (location === 'central' && atCentral.includes(productId)),
        ),
      ),
      customers: new Set(keys.customerIds.filter((customerId) => this.customers.has(customerId))),
      carts: new Map(keys.cartCustomerIds.flatMap((customerId) => this.cart(customerId))),
      orders: new Map(keys.orderIds.flatMap((orderId) => this.order(orderId))),
      reservations: new Map(
        [...this.reservations].filter(([id]) => keys.reservationIds.includes(id) || due.includes(id)),
      ),
      transfers: only(this.transfers, keys.transferIds),
      locations: new Set(keys.locations.filter((location) => LOCATIONS.has(location))),
      tombstones: new Map(
        [...only(this.tombstones, keys.commandIds)].map(([commandId, { reason }]) => [commandId, reason]),
      ),
    };
  }

  /** Current state of dead letters. */
  letters(): DeadLetter[] {
    return [...this.deadLetters].map(([key, { sentBy: _sentBy, command: _command, ...letter }]) => ({
      ...letter,
      ...(this.deadLetterUpdates.get(key) ?? { state: 'open', tries: 1, lastNumber: 0 }),
    }));
  }

  /** Current state of an order. */
  order(orderId: string): [string, Order][] {
    const row = this.orders.get(orderId);
    if (row === undefined) return [];
    const { status, returned } = this.orderUpdates.get(orderId) ?? { status: row.status, returned: [] };
    return [[orderId, { ...row, status, returned }]];
  }

  /** What a reader sees of a product in a cart; undefined: it is not in the cart. */
  visible(customerId: string, productId: string): { quantity: number; stamp: string } | undefined {
    const item = this.cartItems.get(`${customerId}\n${productId}`);
    const clearedStamp = this.carts.get(customerId)?.clearedStamp ?? '';
    if (item === undefined || item.quantity === 0 || item.stamp <= clearedStamp) return undefined;
    return { quantity: item.quantity, stamp: item.stamp };
  }

  /** None if nothing was ever added or cleared. */
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
    upsert(this.deadLetterUpdates, effects.deadLetterUpdates, ({ commandId, bodyHash }) => `${commandId}\n${bodyHash}`);
    for (const key of this.deadLetterUpdates.keys()) if (!this.deadLetters.has(key)) throw new Error(`no row ${key}`);
    for (const row of effects.deadLetterActions) {
      insert(this.deadLetterActions, `${row.commandId}\n${row.bodyHash}\n${row.number}`, row);
    }
    for (const row of effects.holds) insert(this.holds, `${row.reservationId}\n${row.productId}`, row);
    for (const [key, { reservationId }] of this.holds) {
      if (effects.endedHolds.includes(reservationId)) this.holds.delete(key);
    }
    for (const row of effects.tombstones) insert(this.tombstones, row.commandId, row);
    upsert(this.orderUpdates, effects.orderUpdates, ({ orderId }) => orderId);
    upsert(this.reservations, effects.reservations, ({ reservationId }) => reservationId);
    upsert(this.transfers, effects.transfers, ({ transferId }) => transferId);
    upsert(this.levels, effects.levels, ({ productId, location }) => levelKey(productId, location));
    upsert(this.products, effects.products, ({ productId }) => productId);
    for (const { customerId, productId } of effects.removedCartItems)
      this.cartItems.delete(`${customerId}\n${productId}`);
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
