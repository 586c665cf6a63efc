import { rateOf } from './drain.js';

const batch = (seq: number, begunMs: number, orders: number) => ({ seq, begunMs, orders });

it('counts what was done between the beginnings of the first and the last batch', () => {
  expect(rateOf([batch(1, 1000, 500), batch(2, 1100, 1000), batch(3, 1500, 9)])).toBe(3000);
});

it('knows no rate of one batch', () => {
  expect(rateOf([])).toBe(0);
  expect(rateOf([batch(1, 1000, 500)])).toBe(0);
});
