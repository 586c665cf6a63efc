import { z } from 'zod';

/*
 * Rows as CSV (RFC 4180), with the columns of the schema that describes them as JSON. A nested object gives a column for
 * each of its members (`gross.units` → `grossUnits`), a list is one cell of JSON.
 *
 * Every text is quoted, every number is not: digits with a "." or a "-" are all that stands outside of quotes.
 */

export interface Column {
  readonly name: string;
  readonly valueOf: (row: unknown) => unknown;
}

export function columnsOf(schema: z.ZodObject): Column[] {
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([member, type]): Column[] => {
    const inRow = (row: unknown) => (row as Record<string, unknown>)[member];
    if (!(type instanceof z.ZodObject)) return [{ name: member, valueOf: inRow }];
    return columnsOf(type).map(({ name, valueOf }) => ({
      name: `${member}${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      valueOf: (row) => valueOf(inRow(row)),
    }));
  });
}

export function csvHeader(columns: readonly Column[]): string {
  return lineOf(columns.map(({ name }) => name));
}

export function csvRows(rows: readonly unknown[], columns: readonly Column[]): string {
  return rows.map((row) => lineOf(columns.map(({ valueOf }) => cellOf(valueOf(row))))).join('');
}

function lineOf(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`;
}

/** Null is an empty cell, empty text a quoted one. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(withoutFormula(value));
  // In JSON text a ";" can be written so that no spreadsheet sees one, and means the same.
  return quoted(JSON.stringify(value).replaceAll(';', '\\u003b'));
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/**
 * A spreadsheet takes a text for a formula that begins with one of these (OWASP, CSV injection), also the half-width
 * ones' full-width relatives. So an apostrophe is put before it; and behind a separator in the text too, because a
 * spreadsheet that separates by ";" makes a cell of what follows. Quotes in between vanish when it reads them.
 */
function withoutFormula(text: string): string {
  return text.replace(/(?<=^|[,;\t\r\n])(?="*[=+\-@\t\r\n＝＋－＠])/g, "'");
}
