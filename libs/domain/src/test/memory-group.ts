import { decideBatch } from '../batch.js';
import type { DeadLetter } from '../dead-letters/dead-letter.js';
import type { Cart } from '../carts/cart.js';
import type { Customer } from '../customers/customer.js';
import type { Arrived, Effects, Failure, RowOf } from '../effects.js';
import { neededKeys } from '../needed-keys.js';
import type { RowList } from '../noun.js';
import { mapValues, rowLists, type RowLists } from '../nouns.js';
import type { Order } from '../orders/order.js';
import { placeKey } from '../quotas/holder.js';
import { unitSecondsOf, type OpenReservations } from '../reservations/reservation.js';
import type { Sale } from '../sales/sale.js';
import type { BatchState, NeededKeys } from '../state.js';

export const BUCKETS = 16;
/** Locations of stock. */
export const LOCATIONS: ReadonlySet<string> = new Set(['central', 'sucursal-1']);
const ALL_BUCKETS: ReadonlySet<number> = new Set(Array.from({ length: BUCKETS }, (_, bucket) => bucket));

/** Stored rows by list and key. An `update` list keeps the last row of each key next to the row that it updates. */
type Stored = { readonly [List in keyof RowLists]: Map<string, RowOf<RowLists[List]>> };

/**
 * A database group in memory, for specs. A batch is loaded by its keys only, decided, and stored as the tables would:
 * an inserted row must be new, an updated one must exist, and stored rows are frozen.
 */
export class MemoryGroup {
  readonly stored = mapValues(rowLists, () => new Map()) as Stored;
  /** Branches for which the group waits after a restore, with its epoch. */
  readonly awaited = new Map<string, string>();
  #seq = 0;
  readonly #ownedBuckets: ReadonlySet<number>;

  /** `at`: the group's clock, which a spec may set forward. */
  constructor(
    public at = '2026-11-24T12:00:00.000Z',
    ownedBuckets = ALL_BUCKETS,
  ) {
    this.#ownedBuckets = ownedBuckets;
  }

  write(arrived: readonly Arrived[], failures?: ReadonlyMap<Arrived, Failure>): Effects {
    const state = this.load(neededKeys(arrived));
    const effects = decideBatch(state, arrived, failures);
    for (const list of Object.keys(rowLists) as (keyof RowLists)[]) this.#store(list, effects[list]);
    return effects;
  }

  load(keys: NeededKeys): BatchState {
    this.#seq += 1;
    const { stored } = this;
    const inCarts = [...stored.cartItems.values()].filter(({ customerId }) =>
      keys.checkOutCustomerIds.includes(customerId),
    );
    const productIds = [...keys.productIds, ...inCarts.map(({ productId }) => productId)];
    const holds = [...stored.holds.values()];
    const due = holds.filter(({ expiresAt }) => expiresAt <= this.at).map(({ reservationId }) => reservationId);
    const held = holds.filter(({ reservationId }) => [...keys.reservationIds, ...due].includes(reservationId));
    const ordered = keys.orderIds.flatMap((orderId) => stored.orders.get(orderId)?.lines ?? []);
    const atCentral = [...productIds, ...[...held, ...ordered].map(({ productId }) => productId)];
    const letters = this.letters();
    const sales = new Map(keys.saleIds.flatMap((saleId) => this.#sale(saleId)));
    const soldHere = [...sales.values()].flatMap(({ lines }) => lines.map(({ productId }) => productId));
    return {
      position: { group: 'g1', term: 1, tag: '1f0c5e9a', seq: this.#seq },
      at: this.at,
      buckets: BUCKETS,
      ownedBuckets: this.#ownedBuckets,
      outcomes: only(stored.outcomes, keys.commandIds),
      deadLetters: new Map(keys.commandIds.map((id) => [id, letters.filter(({ commandId }) => commandId === id)])),
      products: only(stored.products, productIds),
      levels: new Map(
        [...stored.levels].filter(
          ([, { productId, location }]) =>
            [...keys.stockProductIds, ...soldHere].includes(productId) ||
            (location === 'central' && atCentral.includes(productId)),
        ),
      ),
      customers: new Map(keys.customerIds.flatMap((customerId) => this.customer(customerId))),
      erasedCustomers: new Set(keys.customerIds.filter((customerId) => stored.erasures.has(customerId))),
      carts: new Map(keys.cartCustomerIds.flatMap((customerId) => this.#cart(customerId))),
      orders: new Map(keys.orderIds.flatMap((orderId) => this.order(orderId))),
      reservations: new Map(
        [...stored.reservations].filter(([id]) => keys.reservationIds.includes(id) || due.includes(id)),
      ),
      openReservations: new Map(
        keys.reservingCustomerIds.map((customerId) => [customerId, this.#openReservations(customerId)]),
      ),
      transfers: only(stored.transfers, keys.transferIds),
      holders: only(stored.holders, keys.holderIds),
      awaitedBranches: new Map(
        [...this.awaited].filter(([branchId, epoch]) => stored.holders.get(branchId)?.settledEpoch !== epoch),
      ),
      entries: new Map(keys.places.map((place) => [place, this.#entriesAt(place)])),
      sales,
      closedShifts: new Set(keys.shiftIds.filter((shiftId) => stored.shifts.has(shiftId))),
      locations: new Set(keys.locations.filter((location) => LOCATIONS.has(location))),
      tombstones: new Map(
        keys.commandIds.map((id) => [id, [...stored.tombstones.values()].filter(({ commandId }) => commandId === id)]),
      ),
    };
  }

  /** Current name and address of a customer. */
  customer(customerId: string): [string, Customer][] {
    const row = this.stored.customers.get(customerId);
    return row === undefined ? [] : [[customerId, { ...row, ...this.stored.changedCustomers.get(customerId) }]];
  }

  #openReservations(customerId: string): OpenReservations {
    const open = [...this.stored.reservations.values()].filter(
      (each) => each.customerId === customerId && each.status === 'held' && each.expiresAt > this.at,
    );
    const unitSeconds = open.map(({ lines, createdAt, expiresAt }) => {
      const units = lines.reduce((sum, { quantity }) => sum + quantity, 0);
      return unitSecondsOf(units, (Date.parse(expiresAt) - Date.parse(createdAt)) / 1000);
    });
    return { count: open.length, unitSeconds: unitSeconds.reduce((sum, each) => sum + each, 0) };
  }

  /** Current state of dead letters. */
  letters(): DeadLetter[] {
    return [...this.stored.deadLetters].map(([key, { sentBy: _sentBy, command: _command, ...letter }]) => ({
      ...letter,
      ...(this.stored.deadLetterUpdates.get(key) ?? { state: 'open', tries: 1, lastNumber: 0 }),
    }));
  }

  /** Current state of an order. */
  order(orderId: string): [string, Order][] {
    const row = this.stored.orders.get(orderId);
    if (row === undefined) return [];
    const { status, returned } = this.stored.orderUpdates.get(orderId) ?? { status: row.status, returned: [] };
    return [[orderId, { ...row, status, returned }]];
  }

  /** A product in a cart as a reader sees it. Undefined: it is not in the cart. */
  visible(customerId: string, productId: string): { quantity: number; stamp: string } | undefined {
    const item = this.stored.cartItems.get(`${customerId}\n${productId}`);
    const clearedStamp = this.stored.carts.get(customerId)?.clearedStamp ?? '';
    if (item === undefined || item.quantity === 0 || item.stamp <= clearedStamp) return undefined;
    return { quantity: item.quantity, stamp: item.stamp };
  }

  #sale(saleId: string): [string, Sale][] {
    const row = this.stored.sales.get(saleId);
    if (row === undefined) return [];
    return [[saleId, { ...row, voidedAt: this.stored.saleVoids.get(saleId)?.voidedAt ?? null }]];
  }

  #entriesAt(place: string): string[] {
    return [...this.stored.entries.values()]
      .filter((entry) => placeKey(entry) === place)
      .map(({ commandId }) => commandId);
  }

  /** The customer's cart; an empty array if nothing was ever added to it or cleared. */
  #cart(customerId: string): [string, Cart][] {
    const items = [...this.stored.cartItems.values()].filter((item) => item.customerId === customerId);
    const clearedStamp = this.stored.carts.get(customerId)?.clearedStamp ?? null;
    return items.length === 0 && clearedStamp === null ? [] : [[customerId, { customerId, clearedStamp, items }]];
  }

  #store(name: keyof RowLists, rows: readonly object[]): void {
    const { stores, of, keyOf } = rowLists[name] as RowList<object>;
    const stored = this.stored as Record<string, Map<string, object>>;
    const own = stored[name] as Map<string, object>;
    const target = of === undefined ? own : (stored[of] as Map<string, object>);
    // A statement can't touch a row twice.
    if (new Set(rows.map(keyOf)).size !== rows.length) throw new Error(`a batch writes one row of ${name} twice`);
    for (const row of rows) {
      const key = keyOf(row);
      if (stores === 'insert' && target.has(key)) throw new Error(`there is a row ${key} already in ${name}`);
      if (stores === 'update' && !target.has(key)) throw new Error(`there is no row ${key} for ${name}`);
      if (stores !== 'delete') own.set(key, Object.freeze(row));
      else for (const each of target.keys()) if (`${each}\n`.startsWith(`${key}\n`)) target.delete(each);
    }
  }
}

function only<T>(rows: ReadonlyMap<string, T>, keys: readonly string[]): Map<string, T> {
  return new Map([...rows].filter(([key]) => keys.includes(key)));
}
