import { rateOf } from './drain.js';

const batch = (seq: number, begunMs: number, orders: number) => ({ seq, begunMs, orders });

it('counts orders between the starts of the first and the last batch', () => {
  expect(rateOf([batch(1, 1000, 500), batch(2, 1100, 1000), batch(3, 1500, 9)])).toBe(3000);
});

it('has no rate for a single batch', () => {
  expect(rateOf([])).toBe(0);
  expect(rateOf([batch(1, 1000, 500)])).toBe(0);
});
