import { hex, json as jsonLiteral, plain, text as textLiteral, type ArrayLiteral } from '@eco/postgres';

/** A column: how a value is written into an array for `unnest`, and how it is read from a row. */
export interface Column<Value> {
  readonly name: string;
  /** Name of the type in `information_schema` and in casts, without length. */
  readonly type: string;
  readonly isNullable: boolean;
  /** Type of its values in the array for `unnest`, if it is another one. The statement casts them. */
  readonly sentAs?: string | undefined;
  readonly literalOf: <Row>(pick: (row: Row) => Value) => ArrayLiteral<Row>;
  /** Converts pg's value if it is not null. Undefined: pg's value is used as it is. */
  readonly read: ((value: unknown) => unknown) | undefined;
  /** The SQL expression that selects the column. */
  readonly selected: (column: string) => string;
}

const same = (column: string) => column;

export function uuid(name: string): Column<string> {
  return { name, type: 'uuid', isNullable: false, literalOf: plain, read: undefined, selected: same };
}

/** A column of texts that need no quotes in an array: they contain no `,{}"\\` and no white space. */
export function word<Value extends string>(name: string): Column<Value> {
  return { name, type: 'text', isNullable: false, literalOf: plain, read: undefined, selected: same };
}

export function text(name: string): Column<string> {
  return { name, type: 'text', isNullable: false, literalOf: textLiteral, read: undefined, selected: same };
}

export function boolean(name: string): Column<boolean> {
  return { name, type: 'boolean', isNullable: false, literalOf: plain, read: undefined, selected: same };
}

export function smallint(name: string): Column<number> {
  return { name, type: 'smallint', isNullable: false, literalOf: plain, read: undefined, selected: same };
}

export function integer(name: string): Column<number> {
  return { name, type: 'integer', isNullable: false, literalOf: plain, read: undefined, selected: same };
}

/** A column of safe integers. pg returns a bigint as text. */
export function bigint(name: string): Column<number> {
  return { name, type: 'bigint', isNullable: false, literalOf: plain, read: Number, selected: same };
}

/** ISO 8601. */
export function timestamptz(name: string): Column<string> {
  const read = (value: unknown) => (value as Date).toISOString();
  return { name, type: 'timestamptz', isNullable: false, literalOf: plain, read, selected: same };
}

/** A column of bytes, as hex digits. */
export function bytea(name: string): Column<string> {
  const selected = (column: string) => `encode(${column}, 'hex')`;
  return { name, type: 'bytea', isNullable: false, literalOf: hex, read: undefined, selected };
}

export function jsonb<Value>(name: string): Column<Value> {
  return { name, type: 'jsonb', isNullable: false, literalOf: jsonLiteral, read: undefined, selected: same };
}

/** A column of type json, which keeps the text as it is written. Undefined becomes null. */
export function json(name: string): Column<unknown> {
  const literalOf = <Row>(pick: (row: Row) => unknown) => textLiteral((row: Row) => JSON.stringify(pick(row) ?? null));
  return { name, type: 'json', isNullable: false, literalOf, read: undefined, selected: same };
}

/** A column of arrays. A value is sent as text, because `unnest` takes an array of arrays apart. */
export function arrayOf<Value extends string | number>({ name, type }: Column<Value>): Column<readonly Value[]> {
  const literalOf = <Row>(pick: (row: Row) => readonly Value[] | null) =>
    textLiteral((row: Row) => {
      const values = pick(row);
      return values === null ? null : `{${values.join(',')}}`;
    });
  return { name, type: `${type}[]`, isNullable: false, sentAs: 'text', literalOf, read: undefined, selected: same };
}

export function nullable<Value>(column: Column<Value>): Column<Value | null> {
  return { ...(column as Column<Value | null>), isNullable: true };
}
