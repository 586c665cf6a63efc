import * as fc from 'fast-check';
import { tableOf } from './text-table.js';

const heads = ['state', 'what', 'what to do'];
const widthOf = (table: string) => Math.max(...table.split('\n').map((line) => line.length));

it('wraps the last column of a table that is wider than the terminal', () => {
  const word = fc.stringMatching(/^[a-z]{1,9}$/);
  const sentence = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(word, word, sentence), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 60, max: 200 }),
      (rows, width) => {
        const table = tableOf(heads, rows, width);
        expect(widthOf(table)).toBeLessThanOrEqual(width);
        const words = rows.flatMap(([, , text]) => text.split(' '));
        for (const each of words) expect(table).toContain(each);
      },
    ),
  );
});

it('leaves a table that fits as it is', () => {
  const rows = [['ok', 'processes', '']];
  expect(tableOf(heads, rows, 200)).toBe(tableOf(heads, rows));
});
