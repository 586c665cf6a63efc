import fc from 'fast-check';
import { median, medians, ratio } from './figures.js';

const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });

describe('median', () => {
  it('has as many values below it as above', () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 1 }), (values) => {
        const middle = median(values) ?? Number.NaN;
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(below).toBeLessThanOrEqual(values.length / 2);
        expect(above).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  it.each([
    [[3, 1, 2], 2],
    [[10, 2, 4, 1], 3],
    [[7], 7],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });

  it('is undefined for no values', () => {
    expect(median([])).toBeUndefined();
  });
});

it('compares only known figures', () => {
  expect(ratio(6, 2)).toBe(3);
  expect(ratio(6, 0)).toBeUndefined();
  expect(ratio(undefined, 2)).toBeUndefined();
  expect(ratio(6, undefined)).toBeUndefined();
});

it('takes the median of each member where it is there', () => {
  expect(medians([{ API: 3, writer: 10 }, { API: 1 }, { API: 2, writer: 20 }])).toEqual({ API: 2, writer: 15 });
});
