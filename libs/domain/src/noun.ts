/**
 * A noun is a thing that commands are about, such as orders or transfers. Its descriptor lists the keys that a batch
 * may request, the data that is then loaded, and the rows that a batch may write. The types `NeededKeys`, `BatchState`
 * and `Effects`, their empty values and the specs' database in memory are derived from the descriptors in `nouns.ts`.
 * The tables of `libs/database` must cover them, or do not compile.
 */
export interface Noun {
  /** Lists of keys by which a batch asks for data. `what-fits`: the limits of a load may leave some out. */
  readonly keys: Readonly<Record<string, 'all' | 'what-fits'>>;
  /** Parts of the state that a batch is decided from; each function makes an empty part. */
  readonly state: Readonly<Record<string, () => Map<string, unknown> | Set<string>>>;
  /** Lists of rows that a batch writes, in the order in which they are stored. */
  readonly rows: Readonly<Record<string, RowList<never>>>;
}

/** A list of rows that a batch writes, with at most one row per key. */
export interface RowList<Row> {
  /**
   * How a row is stored. `insert`: no row of this key exists. `upsert`: it is inserted or replaces the row. `update`
   * and `delete`: the row exists.
   */
  readonly stores: 'insert' | 'upsert' | 'update' | 'delete';
  /** For `update` and `delete`: the list that inserts or upserts the rows. */
  readonly of: string | undefined;
  /**
   * Fields that identify a stored row. A `delete` may give only the first fields of the key; it then deletes all rows
   * with these.
   */
  readonly key: readonly Field<Row>[];
  readonly keyOf: (row: Row) => string;
}

type Field<Row> = keyof Row & string;

/** A list of new rows. */
export function insert<Row>(...key: Field<Row>[]): RowList<Row> {
  return rowList('insert', undefined, key);
}

/** A list of whole rows, new or changed. */
export function upsert<Row>(...key: Field<Row>[]): RowList<Row> {
  return rowList('upsert', undefined, key);
}

/** A list of changed fields, for rows of the list `of` that are stored or in the same batch. */
export function update<Row>(of: string, ...key: Field<Row>[]): RowList<Row> {
  return rowList('update', of, key);
}

/** A list of keys, whose stored rows of the list `of` are deleted. */
export function remove<Row>(of: string, ...key: Field<Row>[]): RowList<Row> {
  return rowList('delete', of, key);
}

function rowList<Row>(stores: RowList<Row>['stores'], of: string | undefined, key: Field<Row>[]): RowList<Row> {
  return { stores, of, key, keyOf: (row) => key.map((field) => row[field]).join('\n') };
}
