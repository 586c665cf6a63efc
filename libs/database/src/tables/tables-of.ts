import type { nouns, RowOf } from '@eco/domain';
import type { Load } from './load.js';
import type { Store, StoreStatement } from './store.js';
import type { Table } from './table.js';

type Nouns = typeof nouns;

/** The tables of a noun of the domain: how they are loaded, and how each of its lists of rows is stored. */
export interface TablesOf<Noun extends keyof Nouns> {
  readonly tables: readonly Table[];
  /** The statement that stores each list of rows, or several that each store a part of the rows. */
  readonly stores: {
    readonly [List in keyof Nouns[Noun]['rows']]: StoreStatement<RowOf<Nouns[Noun]['rows'][List]>> | readonly Store[];
  };
  readonly load: Load;
}
