import { rowLists, type nouns, type RowLists } from '@eco/domain';
import { carts } from './carts.js';
import { customers } from './customers.js';
import { deadLetters } from './dead-letters.js';
import { erasures } from './erasures.js';
import { holders } from './holders.js';
import type { Load } from './load.js';
import { locations } from './locations.js';
import { orders } from './orders.js';
import { outcomes } from './outcomes.js';
import { products } from './products.js';
import { reservations } from './reservations.js';
import { sales } from './sales.js';
import { stock } from './stock.js';
import { storing, type Store, type StoreStatement } from './store.js';
import type { TablesOf } from './tables-of.js';
import { tombstones } from './tombstones.js';
import { transfers } from './transfers.js';

const tablesByNoun: { readonly [Noun in keyof typeof nouns]: TablesOf<Noun> } = {
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
const all = Object.values(tablesByNoun);

/** Functions that load the data that a batch needs. */
export const loads: readonly Load[] = all.map(({ load }) => load);

/** Functions that store the rows of a batch, in the order of the domain's lists. */
export const stores: readonly Store[] = storesInOrder();

export const nounTables = all.flatMap(({ tables }) => tables);

/** Tables that batches write. Each of their rows has `seq`. */
export const writtenTables = all
  .filter(({ stores: lists }) => Object.keys(lists).length > 0)
  .flatMap(({ tables }) => tables);

/** The tables whose rows belong to a bucket: a copy of a bucket has its rows in all of them. */
export const movableTables = writtenTables.filter(({ columns }) => 'bucket' in columns);

function storesInOrder(): Store[] {
  type Lists = Readonly<Record<string, StoreStatement<never> | readonly Store[]>>;
  const byList = Object.assign({}, ...all.map(({ stores: lists }) => lists)) as Lists;
  return (Object.keys(rowLists) as (keyof RowLists)[]).flatMap((list) => {
    const by = byList[list] as Lists[string];
    return 'name' in by ? [storing(by, (effects) => effects[list] as never[])] : by;
  });
}
