import type { KeyBatch } from './key-source.js';

/** Work that is shorter than this shows no progress, ms. */
const QUIET_MS = 500;
const REFRESH_MS = 100;

/** Passes the batches on. If it takes long and a terminal is attached, it shows the progress on stderr. */
export async function* withProgress(batches: AsyncIterable<KeyBatch>): AsyncGenerator<KeyBatch> {
  const { stderr } = process;
  let shownAtMs = performance.now() + QUIET_MS - REFRESH_MS;
  let keysDone = 0;
  let shown = false;
  try {
    for await (const batch of batches) {
      yield batch;
      keysDone += batch.keys.length;
      if (stderr.isTTY && performance.now() - shownAtMs >= REFRESH_MS) {
        const percent = batch.share === undefined ? '' : ` (${Math.floor(batch.share * 100)} %)`;
        stderr.write(`\r${keysDone.toLocaleString('en-US')} keys${percent}`);
        shownAtMs = performance.now();
        shown = true;
      }
    }
  } finally {
    if (shown) stderr.write('\r\u001b[K');
  }
}
