import { sleep } from '@eco/base';
import type { Fault } from './fault.js';
import type { FaultSystem } from './fault-system.js';

/** Time for which the group runs with each step of its clock, ms. */
const STEPPED_MS = 1000;

export function clockFaults(): Fault[] {
  return ['-15 minutes', '15 minutes'].map((step) => ({
    name: `the clock of the primary steps by ${step} and back`,
    run: (system) => stepped(system, step),
  }));
}

/** Steps the clock. No node may look dead because of it, and the group's clock must never run back. */
async function stepped(system: FaultSystem, step: string) {
  await system.untilAttached();
  const tookMs: number[] = [];
  let before = await groupNow(system);
  for (const clock of [step, '0']) {
    await stepClock(system, clock);
    await sleep(STEPPED_MS);
    tookMs.push(await system.untilAttached());
    const now = await groupNow(system);
    if (now.leader !== before.leader) throw new Error(`the leader changed when the clock stepped to ${clock}`);
    if (now.at <= before.at) throw new Error(`the clock of the group went from ${before.at} to ${now.at}`);
    before = now;
  }
  return { what: 'attached' as const, tookMs };
}

async function groupNow(system: FaultSystem): Promise<{ at: number; leader: string }> {
  const [row] = await system.sql<{ at: number; leader: string }>(
    `SELECT extract(epoch FROM p.at)::float8 AS at, p.leader_tag AS leader FROM eco.group_position p`,
  );
  if (row === undefined) throw new Error('the group has no state');
  return row;
}

/** Replaces the one function that reads the server's clock for the group. */
function stepClock(system: FaultSystem, step: string): Promise<unknown> {
  return system.sql(
    `CREATE OR REPLACE FUNCTION eco.clock() RETURNS timestamptz LANGUAGE sql VOLATILE
     RETURN date_trunc('milliseconds', clock_timestamp() + interval '${step}')`,
    [],
    { role: 'postgres' },
  );
}
