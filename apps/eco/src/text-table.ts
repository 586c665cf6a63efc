import Table from 'cli-table3';

/** A table as text. A head that starts with `>` belongs to a column of numbers, which is right-aligned. */
export function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const rightAligned = heads.map((head) => head.startsWith('>'));
  const table = new Table({
    head: heads.map((head) => head.replace(/^>/, '')),
    colAligns: rightAligned.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
