const LATE = Symbol('late');

/**
 * Settles like `promise` if that settles within `ms`. Otherwise it returns or throws what `late` does. A late promise
 * continues: nothing waits for it, and its rejection is ignored. In a busy process an answer may have arrived and be
 * unread in a socket, so the promise gets one more look before it counts as late.
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

/** True: `promise` settled, either way, within `ms`. False: the promise continues and nothing waits for it. */
export function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return within(ms, settled, () => false);
}
