import { carts } from './carts/cart.js';
import { products } from './catalogue/product.js';
import { customers } from './customers/customer.js';
import { erasures } from './customers/erasure.js';
import { deadLetters } from './dead-letters/dead-letter.js';
import { orders } from './orders/order.js';
import { outcomes } from './outcomes/outcome.js';
import { tombstones } from './outcomes/tombstone.js';
import { holders } from './quotas/holder.js';
import { reservations } from './reservations/reservation.js';
import { sales } from './sales/sale.js';
import { stock } from './stock/level.js';
import { locations } from './stock/location.js';
import { transfers } from './transfers/transfer.js';

/** All nouns, in the order in which their rows are stored. */
export const nouns = {
  outcomes,
  orders,
  stock,
  products,
  customers,
  carts,
  reservations,
  transfers,
  locations,
  holders,
  sales,
  tombstones,
  deadLetters,
  erasures,
};

type Nouns = typeof nouns;

/** The keys, state or rows of all nouns in one object. */
type Parts<Part extends keyof Nouns[keyof Nouns]> = Intersection<Nouns[keyof Nouns][Part]>;
type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

export type KeyLists = Parts<'keys'>;
export type StateParts = Parts<'state'>;
export type RowLists = Parts<'rows'>;

const all = Object.values(nouns);
export const keyLists = Object.assign({}, ...all.map(({ keys }) => keys)) as KeyLists;
export const stateParts = Object.assign({}, ...all.map(({ state }) => state)) as StateParts;
export const rowLists = Object.assign({}, ...all.map(({ rows }) => rows)) as RowLists;

/** An object with the same names. */
export function mapValues<Of extends object, Value>(
  of: Of,
  value: (part: Of[keyof Of]) => Value,
): Record<keyof Of, Value> {
  const mapped = Object.entries(of).map(([name, part]) => [name, value(part as Of[keyof Of])]);
  return Object.fromEntries(mapped) as Record<keyof Of, Value>;
}
