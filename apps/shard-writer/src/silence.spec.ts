import { Silence } from './silence.js';

it('grows while the sign stands still, and begins anew when it moves', () => {
  const silence = new Silence();
  expect([
    silence.observe('1 5', 1000),
    silence.observe('1 5', 4000),
    silence.observe('1 6', 11_000),
    silence.observe('1 6', 21_500),
    silence.observe('1 5', 22_000),
  ]).toEqual([0, 3000, 0, 10_500, 0]);
});
