import { type KeyLists, type KeysLeftOut, type LoadedParts, type NeededKeys } from '@eco/domain';
import type { Statement } from '@eco/postgres';
import { columnOf, type Columns, type ListRow, type RowOf, select, type Table } from './table.js';

/** Limits of what one batch loads. */
export interface LoadBounds {
  /**
   * Most lines of orders, of reservations and of carts: this many of each kind, and always at least one order or
   * reservation.
   */
  lines: number;
  /** Most lines of due reservations whose products the batch does not touch. */
  swept: number;
}

/** Keys that were not loaded because of the limits. Commands that need them can't be decided yet. */
export interface LeftOut extends KeysLeftOut {
  /**
   * True: due reservations that hold units of this batch's products were left out. They end before any command is
   * decided.
   */
  due: boolean;
}

/** Needs of a batch, and the object that collects the loaded rows. */
export interface Loading extends LoadBounds {
  keys: NeededKeys;
  /** The keys as array literals. */
  literals: Readonly<Record<keyof KeyLists, string>>;
  state: LoadedParts;
  leftOut: { [Part in keyof LeftOut]: LeftOut[Part] extends ReadonlySet<string> ? Set<string> : LeftOut[Part] };
}

/** A statement that loads a part of the state. */
export interface Query {
  statement: Statement;
  values: unknown[];
  take: (rows: readonly ListRow[]) => void;
}

/** Makes the statements that load a noun for a batch. */
export type Load = (loading: Loading) => Query[];

/** A query for these keys. It is not sent if there are none. */
export function query(
  statement: Statement,
  { keys, literals }: Loading,
  list: keyof KeyLists,
  more: readonly unknown[],
  take: (rows: readonly ListRow[]) => void,
): Query[] {
  return keys[list].length === 0 ? [] : [{ statement, values: [literals[list], ...more], take }];
}

/** A statement that loads these fields of the rows whose `key` is in `list`. */
export function loadBy<Of extends Columns, Field extends keyof Of & string>(
  name: string,
  table: Table<Of>,
  key: Field,
  list: keyof KeyLists,
  fields: readonly Field[],
  take: (row: Pick<RowOf<Of>, Field>, state: LoadedParts) => void,
): Load {
  const selection = select(table, ...fields);
  const column = columnOf(table, key);
  const text = `
SELECT ${selection.list('t')}
FROM ${table.name} t
WHERE t.${column.name} = ANY ($1::${column.type}[])`;
  return (loading) =>
    query({ name, text }, loading, list, [], (rows) => {
      for (const row of rows) take(selection.read(row), loading.state);
    });
}
