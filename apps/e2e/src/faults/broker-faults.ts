import type { RunningBroker } from '@eco/cluster';
import { sleep } from '@eco/base';
import { commandQueue } from '@eco/broker';
import { brokerView, eventually, untilBrokersAreWhole } from '@eco/testing';
import type { Fault, Lengths } from './fault.js';
import type { FaultSystem } from './fault-system.js';

const ORDERS = commandQueue('orders', 'g1');

export function brokerFaults({ brokerAwayMs, brokerKills, alarmMs, quietMs }: Lengths): Fault[] {
  /** Recovery counts from the loss if a majority is left, and otherwise from the return of a broker. */
  const killed = async (system: FaultSystem, victims: readonly RunningBroker[]) => {
    const majority = Math.floor(system.brokers.length / 2) + 1;
    const missing = majority - (system.brokers.length - victims.length);
    const tookMs: number[] = [];
    try {
      await Promise.all(victims.map((broker) => broker.kill()));
      if (missing <= 0) tookMs.push(await system.untilAttached());
      await sleep(brokerAwayMs);
    } catch (error) {
      // The brokers must run for the next fault.
      await Promise.allSettled(victims.map((broker) => broker.start()));
      throw error;
    }
    const starts = victims.map((broker) => broker.start());
    if (missing > 0) {
      await countOf(missing, starts);
      tookMs.push(await system.untilAttached());
    }
    await Promise.all(starts);
    await untilBrokersAreWhole(system);
    await system.untilAttached();
    return { what: 'attached', tookMs } as const;
  };

  return [
    {
      name: 'no fault, for comparison',
      async run(system) {
        await sleep(quietMs);
        return { what: 'attached', tookMs: [await system.untilAttached()] };
      },
    },
    {
      name: `a broker is killed and comes back, ${brokerKills} times: first who leads the queue of orders, then each in turn`,
      async run(system) {
        const leader = await system.leaderOf(ORDERS);
        const inTurn = [leader, ...system.brokers.filter((broker) => broker !== leader)];
        const tookMs: number[] = [];
        for (let n = 0; n < brokerKills; n += 1) {
          const victim = inTurn[n % inTurn.length] ?? leader;
          tookMs.push(...(await killed(system, [victim])).tookMs);
        }
        return { what: 'attached', tookMs };
      },
    },
    {
      name: 'two brokers are killed, so that no majority is left, come back',
      run: (system) => killed(system, system.brokers.slice(1)),
    },
    { name: 'all three brokers are killed, come back', run: (system) => killed(system, system.brokers) },
    {
      name: 'a broker stalls until the others give it up, and continues',
      async run(system) {
        const broker = await system.leaderOf(ORDERS);
        const others = system.brokers.filter((each) => each !== broker);
        await broker.pause();
        const pausedAt = performance.now();
        await eventually('the others see it away', async () => {
          const view = await brokerView(others[0] as RunningBroker, system.operator);
          return view.some(({ name, running }) => name === broker.erlangName && !running);
        });
        await system.untilAttached();
        const tookMs = [performance.now() - pausedAt];
        await broker.resume();
        await untilBrokersAreWhole(system, broker);
        await system.untilAttached();
        return { what: 'attached', tookMs };
      },
    },
    {
      name: 'the brokers’ memory is used up, then not',
      async run(system) {
        const [broker] = system.brokers as [RunningBroker];
        await broker.raiseMemoryAlarm();
        await eventually('the alarm', async () =>
          (await brokerView(broker, system.operator)).some(({ mem_alarm: alarm }) => alarm),
        );
        await sleep(alarmMs);
        await broker.clearMemoryAlarm();
        return { what: 'attached', tookMs: [await system.untilAttached()] };
      },
    },
  ];
}

/** Resolves when this many of the promises have settled. */
function countOf(count: number, works: readonly Promise<void>[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    for (const work of works) work.then(() => (left -= 1) === 0 && resolve(), reject);
  });
}
