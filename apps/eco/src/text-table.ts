import Table from 'cli-table3';

/** Narrowest last column, in characters. A terminal that has no room for it shows wrapped lines. */
const LAST_COLUMN_MIN = 20;
/** Characters of a table's frame: one line on the left, and for each column two spaces and a line. */
const FRAME = { left: 1, column: 3 };

/**
 * A table as text. A head that starts with `>` belongs to a column of numbers, which is right-aligned. If the table is
 * wider than `width` characters, the text of the last column is wrapped.
 */
export function tableOf(heads: readonly string[], rows: readonly (readonly string[])[], width = Infinity): string {
  const rightAligned = heads.map((head) => head.startsWith('>'));
  const table = new Table({
    head: heads.map((head) => head.replace(/^>/, '')),
    colAligns: rightAligned.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    ...wrapping([heads, ...rows], width),
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

function wrapping(rows: readonly (readonly string[])[], width: number): { colWidths?: number[]; wordWrap?: boolean } {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) => {
    return FRAME.column - 1 + Math.max(...rows.map((row) => row[column]?.length ?? 0));
  });
  const others = FRAME.left + widths.slice(0, -1).reduce((sum, each) => sum + each + 1, 0);
  if (others + (widths.at(-1) ?? 0) + 1 <= width) return {};
  return { colWidths: [...widths.slice(0, -1), Math.max(LAST_COLUMN_MIN, width - others - 1)], wordWrap: true };
}
