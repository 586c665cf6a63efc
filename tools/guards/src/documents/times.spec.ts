import { readText } from '../repository.js';
import { documentedTimes, timeIn } from './times.js';

const times = documentedTimes(readText('docs/operations.md'));

it('finds the table of times', () => {
  expect(times.length).toBeGreaterThan(30);
});

it.each(times)('the page for operators has the value of $constant in $file', ({ file, constant, ms }) => {
  expect(ms).toBe(timeIn(readText(file), constant));
});

describe('documentedTimes', () => {
  it.each([
    ['| waits | 2 s | `A_MS` of `a.ts` |', [{ file: 'a.ts', constant: 'A_MS', ms: 2000 }]],
    ['| waits | 250 ms | `A_MS` of `a.ts` |', [{ file: 'a.ts', constant: 'A_MS', ms: 250 }]],
    ['| keeps | 90 days  | `B_DAYS_MAX` of `b.ts` |', [{ file: 'b.ts', constant: 'B_DAYS_MAX', ms: 7_776_000_000 }]],
    ['| what | time | constant |', []],
  ])('of %j', (text, rows) => {
    expect(documentedTimes(text)).toEqual(rows);
  });
});

describe('timeIn', () => {
  it.each([
    ['A_MS', 'const A_MS = 2_000;', 2000],
    ['A_MS', 'export const A_MS = 5 * 60_000;', 300_000],
    ['A_SECONDS', 'const A_SECONDS = 3;', 3000],
    ['A_DAYS_MAX', 'export const A_DAYS_MAX = 90;', 7_776_000_000],
    ['A_MS', 'const B_MS = 1;', undefined],
    ['A_MS', 'const A_MS = now();', undefined],
  ])('%s in %j', (constant, text, ms) => {
    expect(timeIn(text, constant)).toBe(ms);
  });
});
