import fc from 'fast-check';
import { formatReceiptNumber, parseReceiptNumber, type ReceiptNumber } from './receipt-number.js';

const parts: fc.Arbitrary<ReceiptNumber> = fc.record({
  series: fc.stringMatching(/^[A-Z0-9]{1,8}$/),
  branchId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  till: fc.stringMatching(/^[A-Za-z0-9]{1,16}$/),
  incarnation: fc.integer({ min: 1, max: 9_999_999_999 }),
  number: fc.integer({ min: 1, max: 999_999_999_999_999 }),
});

it('has one reading, whatever the ids of branch and till are', () => {
  fc.assert(
    fc.property(parts, (each) => {
      const text = formatReceiptNumber(each);
      expect(text.length).toBeLessThanOrEqual(128);
      expect(parseReceiptNumber(text)).toEqual(each);
    }),
  );
});

it.each([
  '',
  'A-sucursal-1-2',
  'A-s-1-1-0',
  'A-s-1-1-01',
  'a-s-1-1-1',
  'A-s-1-1-1 ',
  'A--1-1-1',
  `A-s-1-1-${'9'.repeat(16)}`,
])('refuses %j', (text) => {
  expect(parseReceiptNumber(text)).toBeUndefined();
});

it('reads the example', () => {
  expect(parseReceiptNumber('A-sucursal-1-2-1-4711')).toEqual({
    series: 'A',
    branchId: 'sucursal-1',
    till: '2',
    incarnation: 1,
    number: 4711,
  });
});
