import { DatabaseWait } from './database-wait.js';

const log = { warn: () => undefined } as never;

function setUp() {
  const seen = { requeues: 0 };
  const session = { replicaWaitMs: 0 };
  const wait = new DatabaseWait({
    requeue: () => {
      seen.requeues += 1;
      return Promise.resolve();
    },
    log,
  });
  let finish: (() => void) | undefined;
  const work = new Promise<void>((resolve) => (finish = resolve));
  const during = wait.during(session, work);
  return { seen, session, wait, during, finish: () => finish?.() };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('keeps deliveries for a minute while the server is slow, then requeues them once', async () => {
  const { seen, wait, during, finish } = setUp();
  await jest.advanceTimersByTimeAsync(59_000);
  expect(seen.requeues).toBe(0);
  expect(wait.waitedMs).toBe(59_000);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(seen.requeues).toBe(1);
  finish();
  await during;
  expect(wait).toMatchObject({ waitedMs: 0, hasRequeued: true });
});

it('requeues deliveries after 5 s while a COMMIT waits for a replica', async () => {
  const { seen, session, during, finish } = setUp();
  session.replicaWaitMs = 4900;
  await jest.advanceTimersByTimeAsync(6000);
  expect(seen.requeues).toBe(0);
  session.replicaWaitMs = 5000;
  await jest.advanceTimersByTimeAsync(500);
  expect(seen.requeues).toBe(1);
  finish();
  await during;
});

it('does not count an earlier wait for a replica as part of a new one', async () => {
  const { seen, session, during, finish } = setUp();
  session.replicaWaitMs = 30_000;
  await jest.advanceTimersByTimeAsync(4500);
  finish();
  await during;
  expect(seen.requeues).toBe(0);
});
