import * as fc from 'fast-check';
import { tableOf } from './text-table.js';

const heads = ['state', 'what', 'what to do'];
const widthOf = (table: string) => Math.max(...table.split('\n').map((line) => line.length));
const word = fc.stringMatching(/^[a-z]{1,9}$/);
const sentence = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.join(' '));

it('fits into the terminal, and shows every word whole', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(sentence, word, sentence), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 25, max: 200 }),
      (rows, width) => {
        const table = tableOf(heads, rows, width);
        expect(widthOf(table)).toBeLessThanOrEqual(width);
        const words = rows.flatMap((row) => row.flatMap((text) => text.split(' ')));
        for (const each of words) expect(table).toContain(each);
      },
    ),
  );
});

it('never breaks an id, a number or a position: a narrow terminal gets one value a line', () => {
  const id = '7d9f5b1e-3c7a-4a53-9b8e-0d6f5c4b3a22';
  const table = tableOf(
    ['node', '>lag', 'position', 'note'],
    [
      ['g1-2', '1,234', id, ''],
      ['g1-3', '5', id, 'late'],
    ],
    60,
  );
  expect(table).toBe(
    [
      `node      g1-2\nlag       1,234\nposition  ${id}`,
      `node      g1-3\nlag       5\nposition  ${id}\nnote      late`,
    ].join('\n\n'),
  );
});

it('leaves a table that fits as it is', () => {
  const rows = [['ok', 'processes', '']];
  expect(tableOf(heads, rows, 200)).toBe(tableOf(heads, rows, Infinity));
});

it('has straight lines around wide and combining characters, and escapes what a terminal would obey', () => {
  const rows = [
    ['日本', 'cafe\u0301', 'x'],
    ['a', 'b', '\u001b[2J'],
  ];
  const table = tableOf(heads, rows, Infinity);
  expect(table).toContain('│ 日本  │ cafe\u0301 │ x          │');
  expect(table).toContain('\\u001b[2J');
});
