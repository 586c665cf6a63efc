import { PeriodicTask } from './periodic-task.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function setUp() {
  const ends: (() => void)[] = [];
  const task = new PeriodicTask(() => new Promise<void>((resolve) => ends.push(resolve)), 1_000);
  return { task, ends };
}

it('begins a run at each interval, but none while one is in progress', async () => {
  const { task, ends } = setUp();
  task.start();
  task.start();
  expect(ends).toHaveLength(0);
  await jest.advanceTimersByTimeAsync(3_000);
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(ends).toHaveLength(2);
});

it('joins the run in progress if a run is asked for, and stops at its end', async () => {
  const { task, ends } = setUp();
  task.start();
  const runs = Promise.all([task.run(), task.run()]);
  const stopped = task.stop();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await Promise.all([runs, stopped]);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(ends).toHaveLength(1);
});
