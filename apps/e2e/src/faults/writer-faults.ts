import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, Lengths } from './fault.js';
import type { FaultSystem } from './fault-system.js';

/** Between two kills: so long the new one writes. */
const LEADING_MS = 1000;

export function writerFaults({ writerKills }: Lengths): Fault[] {
  const takenOver = async (system: FaultSystem, fault: 'kill' | 'pause') => {
    const active = await system.untilActive();
    await system.untilStandby(system.writers.find((writer) => writer !== active) ?? active);
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
          await pause(LEADING_MS);
        }
        await system.untilAttached();
        return { what: 'taken over', tookMs };
      },
    },
    {
      name: 'the active writer stands still, goes on after another has taken over',
      async run(system) {
        const { victim, tookMs } = await takenOver(system, 'pause');
        const term = await termOf(system);
        await pause(LEADING_MS);
        await victim.resume();
        // The writer learns that its leadership is over. The database refuses everything it tries until then: no batch
        // is doubled or torn.
        await system.untilStandby(victim);
        await system.untilAttached();
        const termAfter = await termOf(system);
        if (termAfter !== term) throw new Error(`term ${term} went on as ${termAfter}: ${victim.name} broke into it`);
        return { what: 'taken over', tookMs: [tookMs] };
      },
    },
  ];
}

async function termOf(system: FaultSystem): Promise<string | undefined> {
  const [row] = await system.sql<{ term: string }>('SELECT s.term FROM eco.group_state s');
  return row?.term;
}
