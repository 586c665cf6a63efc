import { StallDetector } from './stall-detector.js';

it('grows while the value stays the same, and starts at 0 when it changes', () => {
  const detector = new StallDetector();
  expect([
    detector.observe('1 5', 1000),
    detector.observe('1 5', 4000),
    detector.observe('1 6', 11_000),
    detector.observe('1 6', 21_500),
    detector.observe('1 5', 22_000),
  ]).toEqual([0, 3000, 0, 10_500, 0]);
});
