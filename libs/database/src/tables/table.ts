import type { Column } from './columns.js';

/** Columns by the name of their field in the domain's row. */
export type Columns = Readonly<Record<string, Column<never>>>;

/** The type of a row with these columns. */
export type RowOf<Of extends Columns> = { [Field in keyof Of]: Of[Field] extends Column<infer Value> ? Value : never };

/** A table of the schema `eco`. Each row also has `seq`, the batch that wrote it last. */
export interface Table<Of extends Columns = Columns> {
  /** Name with its schema, such as `eco.orders`. */
  readonly name: string;
  /** Name under which queries find the rows whose buckets this group owns. */
  readonly rows: string;
  /** The view with all these rows, if another table has some of them. */
  readonly view?: string | undefined;
  /** The column that gets the batch's time when a row is inserted. */
  readonly insertedAt?: string | undefined;
  /** The column that keeps the batches which wrote the row before, if an update must not forget them. */
  readonly formerSeqs?: string | undefined;
  readonly columns: Of;
}

export function defineTable<const Of extends Columns>(table: Table<Of>): Table<Of> {
  return table;
}

export function columnOf({ name, columns }: Table, field: PropertyKey): Column<never> {
  const column = columns[field as string];
  if (column === undefined) throw new Error(`${name} has no column for ${String(field)}`);
  return column;
}

/** A row as pg gives it: values in the order of the select list. */
export type ListRow = readonly unknown[];

/** Columns of a table in a select list, and the object that is made of their values. */
export interface Selection<Row> {
  /** The select list. `instead`: other expressions for some of the fields. */
  list(alias: string, instead?: { readonly [Field in keyof Row]?: string }): string;
  /** NULL for each column, for a branch of a UNION that has no such row. */
  readonly nulls: string;
  /** As `nulls`, with a name for each column. */
  readonly namedNulls: string;
  /** Number of columns. */
  readonly width: number;
  /** `from`: index of the selection's first column in the row. */
  read(row: ListRow, from?: number): Row;
}

export function select<Of extends Columns, Field extends keyof Of & string>(
  table: Table<Of>,
  ...fields: Field[]
): Selection<Pick<RowOf<Of>, Field>> {
  type Row = Pick<RowOf<Of>, Field>;
  const columns = fields.map((field) => ({ field, ...columnOf(table, field) }));
  return {
    list: (alias, instead = {}) =>
      columns.map(({ field, name, selected }) => instead[field] ?? selected(`${alias}.${name}`)).join(', '),
    nulls: columns.map(() => 'NULL').join(', '),
    namedNulls: columns.map(({ name }) => `NULL AS ${name}`).join(', '),
    width: columns.length,
    // This takes 0.1 µs longer than an object literal with as many fields (measured with products and their levels).
    read(row, from = 0) {
      const object: Record<string, unknown> = {};
      let at = from;
      for (const { field, read } of columns) {
        const value = row[at++];
        object[field] = value === null || read === undefined ? value : read(value);
      }
      return object as Row;
    },
  };
}
