import { sleep } from '@eco/base';
import type { Fault, Lengths } from './fault.js';
import type { FaultSystem } from './fault-system.js';

/** Time between two kills, in which the new leader writes, ms. */
const LEADING_MS = 1000;

export function writerFaults({ writerKills }: Lengths): Fault[] {
  const takenOver = async (system: FaultSystem, fault: 'kill' | 'pause') => {
    const active = await system.untilActiveAndStandby();
    const startedAt = performance.now();
    await active[fault]();
    await system.untilActive(active);
    return { victim: active, tookMs: performance.now() - startedAt };
  };

  return [
    {
      name: `the active writer is killed ${writerKills} times in a row`,
      async run(system) {
        const tookMs: number[] = [];
        for (let n = 0; n < writerKills; n += 1) {
          const taken = await takenOver(system, 'kill');
          tookMs.push(taken.tookMs);
          await taken.victim.start();
          await sleep(LEADING_MS);
        }
        await system.untilAttached();
        return { what: 'taken over', tookMs };
      },
    },
    {
      name: 'the active writer stalls, and continues after another has taken over',
      async run(system) {
        const { victim, tookMs } = await takenOver(system, 'pause');
        const leader = await leaderOf(system);
        await sleep(LEADING_MS);
        await victim.resume();
        // The writer learns that its leadership is over. The database refuses everything it tries until then: no batch
        // is doubled or torn.
        await system.untilStandby(victim);
        await system.untilAttached();
        const leaderAfter = await leaderOf(system);
        if (leaderAfter !== leader)
          throw new Error(`leadership ${leader} was followed by ${leaderAfter}: ${victim.name} broke into it`);
        return { what: 'taken over', tookMs: [tookMs] };
      },
    },
  ];
}

/** Tag of the present leadership. Its term can't be used, because it begins only with the first batch. */
async function leaderOf(system: FaultSystem): Promise<string> {
  const [row] = await system.sql<{ leader: string }>('SELECT p.leader_tag AS leader FROM eco.group_position p');
  if (row === undefined) throw new Error('the group has no state');
  return row.leader;
}
