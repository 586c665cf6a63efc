import type { App } from '../layout.js';

/**
 * Limit of the old generation of Central's heap, MB. Natively V8 takes the memory of the machine as its measure and would
 * let garbage grow to 4 GB before it collects all of it: at 256 callers the process took 514 MB. With the young
 * generation, code and buffers it stays below the 512 MB that its container may have.
 */
export const CENTRAL_HEAP_MB = 224;

/** Options of Node for a service. compose.yaml has the same. */
export function nodeOptionsOf(app: App): string[] {
  return app === 'central-api' ? [`--max-old-space-size=${CENTRAL_HEAP_MB}`] : [];
}
