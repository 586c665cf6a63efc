import { z } from 'zod';

/*
 * Rows as CSV (RFC 4180), with the columns of the schema that describes them as JSON. A nested object has a column for
 * each of its members (`gross.units` → `grossUnits`); a list is one cell of JSON. All texts are quoted. A cell without
 * quotes is a number: digits with "." or "-".
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

/** Text of a cell. Null is an empty cell, and an empty text is a quoted empty cell. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(withoutFormula(value));
  // A ";" inside JSON is written as an escape. A spreadsheet then sees no separator, and the JSON means the same.
  return quoted(JSON.stringify(value).replaceAll(';', '\\u003b'));
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/**
 * Puts an apostrophe before a text that a spreadsheet would run as a formula (OWASP, CSV injection). Some programs
 * normalise a text first, so each character that compatibility normalisation (NFKC) turns into "=", "+", "-" or "@"
 * starts a formula. Spaces and invisible characters may precede it. An apostrophe is also put behind a separator inside
 * a text, because a spreadsheet that splits at ";" makes a cell of what follows. Quotes before the formula do not
 * protect, because the spreadsheet removes them.
 */
function withoutFormula(text: string): string {
  return text.replace(FORMULA, "'");
}

const FORMULA = /(?<=^|[,;\t\r\n])(?="*[\t\r\n]|["\p{White_Space}\p{Cf}]*[=+\-@⁺⁼₊₌⩵⩶﬩﹢﹣﹦﹫＋－＝＠])/gu;
