import Table from 'cli-table3';
import { forTerminal } from './input.js';

/** Characters of a table's frame: one line on the left, and for each column two spaces and a line. */
const FRAME = { left: 1, column: 3 };
const PADDING = 2;

/**
 * A table as text. A head that starts with `>` belongs to a column of numbers, which is right-aligned. A table that is
 * wider than `width` characters gets narrower columns with wrapped sentences. If that is not enough, each row becomes
 * lines with one value each, because an id that is broken in two cannot be copied.
 */
export function tableOf(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  width = terminalWidth(),
): string {
  const titles = heads.map((head) => head.replace(/^>/, ''));
  const shown = rows.map((row) => row.map(forTerminal));
  const widths = widthsFor([titles, ...shown], heads, width);
  if (widths === undefined) return records(titles, shown, width);
  const table = new Table({
    head: titles,
    colAligns: heads.map((head) => (head.startsWith('>') ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    colWidths: widths.map((each) => each + PADDING),
    wordWrap: true,
  });
  table.push(...shown.map((row) => [...row]));
  return table.toString();
}

/** Columns of the terminal. A file, a pipe, and a terminal without a size have no limit. */
function terminalWidth(): number {
  return (process.stdout.isTTY && process.stdout.columns) || Infinity;
}

/** The width of each column. Undefined: the longest words need more than `width` characters. */
function widthsFor(rows: readonly (readonly string[])[], heads: readonly string[], width: number) {
  const widest = (column: number, parts: RegExp) =>
    Math.max(...rows.flatMap((row) => (row[column] ?? '').split(parts).map(widthOf)));
  const widths = heads.map((_, column) => widest(column, /\n/));
  const least = heads.map((head, column) => (head.startsWith('>') ? (widths[column] ?? 0) : widest(column, /\s/)));
  const frame = FRAME.left + FRAME.column * heads.length;
  let excess = sum(widths) + frame - width;
  if (sum(least) + frame > width) return undefined;
  for (; excess > 0; excess -= 1) {
    const candidates = widths.map((each, column) => (each > (least[column] ?? 0) ? each : 0));
    const column = candidates.indexOf(Math.max(...candidates));
    widths[column] = (widths[column] ?? 0) - 1;
  }
  return widths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** Characters that take two columns of a terminal. */
const WIDE =
  /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u;

/** Columns that a text takes in a terminal. */
function widthOf(text: string): number {
  return sum([...text].map((character) => (/\p{Mn}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1)));
}

function records(titles: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const indent = Math.max(...titles.map(widthOf)) + PADDING;
  const lines = (title: string, text: string) => [
    title.padEnd(indent) + wrapped(text, width - indent).join(`\n${' '.repeat(indent)}`),
  ];
  return rows
    .map((row) => row.flatMap((text, column) => (text === '' ? [] : lines(titles[column] ?? '', text))).join('\n'))
    .join('\n\n');
}

/** Lines of up to `width` characters. A longer word has a line of its own. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
