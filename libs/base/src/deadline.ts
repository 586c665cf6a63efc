const LATE = Symbol('late');

/**
 * How `promise` settles, if it does so within `ms`; otherwise what `late` returns or throws. A late promise continues,
 * nothing waits for it, and its rejection is ignored. In a busy process an answer may be unread in a socket: what has
 * arrived is looked at once more before the promise counts as late.
 */
export async function within<T, L>(ms: number, promise: Promise<T>, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => setImmediate(resolve, LATE), ms);
  });
  try {
    const first = await Promise.race([promise, expired]);
    return first === LATE ? late() : first;
  } finally {
    clearTimeout(timer);
  }
}

/** True: `promise` settled, either way, within `ms`. False: it continues and nothing waits for it. */
export function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return within(ms, settled, () => false);
}
