import { sleep } from './sleep.js';

const HOUR_MS = 3_600_000;

describe('sleep', () => {
  it('lasts at least as long as asked', async () => {
    const startedMs = performance.now();
    await sleep(20);
    // Timers count whole milliseconds.
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(19);
  });

  it('ends at once when its signal aborts, before or during the sleep', async () => {
    await sleep(HOUR_MS, AbortSignal.abort());
    const wake = new AbortController();
    const asleep = sleep(HOUR_MS, wake.signal);
    wake.abort();
    await asleep;
  });

  it('does not wait for a time that has passed', async () => {
    await sleep(-HOUR_MS);
  });
});
