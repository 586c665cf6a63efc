import type { DatabaseNodes } from './database-nodes.js';

/** What a failover may lose without the `missing` replicas, if only those are `there` that have the history. */
export async function riskOf(
  nodes: DatabaseNodes,
  missing: readonly string[],
  there: readonly string[],
): Promise<string> {
  if (missing.length === 0) return 'no confirmed decision is lost';
  const ends = await Promise.all(
    there.map(async (name) => {
      const row = await nodes.lastBatch(name);
      return `${name} has batch ${row?.seq} of ${row?.at} UTC`;
    }),
  );
  return `decisions that ${missing.join(' and ')} and the lost primary alone have are lost (${ends.join(', ')})`;
}
