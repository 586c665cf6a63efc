import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/**
 * Unpredictable bytes, at most 4096, fetched in large portions: a call for each order would take a tenth of its time.
 */
export function takeRandomBytes(count: number): Uint8Array {
  if (count > POOL_BYTES) throw new RangeError(`at most ${POOL_BYTES} bytes at once, not ${count}`);
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  // The bytes are copied, because the pool is refilled while the caller may still use them.
  const bytes = Uint8Array.from(pool.subarray(used, used + count));
  used += count;
  return bytes;
}
