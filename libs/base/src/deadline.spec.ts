import { settlesWithin, within } from './deadline.js';

const HOUR_MS = 3_600_000;
const never = () => new Promise<never>(() => undefined);

// A timer left behind would keep a process alive.
beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('within', () => {
  it('settles as the promise does', async () => {
    await expect(within(HOUR_MS, Promise.resolve(7), () => 'late')).resolves.toBe(7);
    await expect(within(HOUR_MS, Promise.reject(new Error('no')), () => 'late')).rejects.toThrow('no');
  });

  it('returns the result of `late` for a late promise, exactly at the deadline', async () => {
    let said: unknown;
    void within(1000, never(), () => 'late').then((value) => (said = value));
    await jest.advanceTimersByTimeAsync(999);
    expect(said).toBeUndefined();
    await jest.advanceTimersByTimeAsync(2);
    expect(said).toBe('late');
  });

  it('throws what `late` throws', async () => {
    const late = within(1000, never(), () => {
      throw new Error('no answer within 1000 ms');
    });
    const rejected = expect(late).rejects.toThrow('no answer within 1000 ms');
    await jest.advanceTimersByTimeAsync(1001);
    await rejected;
  });

  it('takes an answer that arrives in the same turn as the deadline', async () => {
    let answer: (value: string) => void = () => undefined;
    const promise = new Promise<string>((resolve) => (answer = resolve));
    // This timer fires after the deadline and before the last look, like an answer that is unread in a socket.
    const taken = within(1000, promise, () => 'late');
    setTimeout(() => answer('in time'), 1000);
    await jest.advanceTimersByTimeAsync(1001);
    expect(await taken).toBe('in time');
  });

  it('ignores the rejection of a late promise', async () => {
    let fail: (error: Error) => void = () => undefined;
    const promise = new Promise<never>((_resolve, reject) => (fail = reject));
    const taken = within(1000, promise, () => 'late');
    await jest.advanceTimersByTimeAsync(1001);
    expect(await taken).toBe('late');
    // If the rejection were unhandled, the test run would fail.
    fail(new Error('too late'));
    await jest.advanceTimersByTimeAsync(1);
  });
});

describe('settlesWithin', () => {
  it('is true for a promise that resolves and for one that rejects', async () => {
    expect(await settlesWithin(HOUR_MS, Promise.resolve())).toBe(true);
    expect(await settlesWithin(HOUR_MS, Promise.reject(new Error('no')))).toBe(true);
  });

  it('is false for a promise that does not settle', async () => {
    const settled = settlesWithin(1000, never());
    await jest.advanceTimersByTimeAsync(1001);
    expect(await settled).toBe(false);
  });
});
