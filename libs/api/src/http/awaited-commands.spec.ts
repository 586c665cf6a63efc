import { pauseAfter } from './awaited-commands.js';

it('a wait of 30 s takes fewer than 100 looks, and a late answer comes at most an eighth or half a second later', () => {
  let waitedMs = 0;
  let looks = 1;
  while (waitedMs < 30_000) {
    const pauseMs = pauseAfter(waitedMs);
    expect(pauseMs).toBeLessThanOrEqual(Math.min(Math.max(25, waitedMs / 8), 500));
    waitedMs += pauseMs;
    looks += 1;
  }
  expect(looks).toBeLessThan(100);
});
