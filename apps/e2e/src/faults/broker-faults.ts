import { setTimeout as pause } from 'node:timers/promises';
import type { RunningBroker } from '@eco/cluster';
import { commandQueue } from '@eco/broker';
import { brokerView, eventually, untilBrokersAreWhole } from '@eco/testing';
import type { Fault, Lengths } from './fault.js';
import type { FaultSystem } from './fault-system.js';

const ORDERS = commandQueue('orders', 'g1');

export function brokerFaults({ brokerAwayMs, alarmMs }: Lengths): Fault[] {
  /** From the moment that enough of them are up again to everybody being attached. */
  const killed = async (system: FaultSystem, victims: readonly RunningBroker[]) => {
    const majorityStays = victims.length * 2 < system.brokers.length;
    await Promise.all(victims.map((broker) => broker.kill()));
    const tookMs: number[] = [];
    if (majorityStays) tookMs.push(await system.untilAttached());
    await pause(brokerAwayMs);
    await Promise.all(victims.map((broker) => broker.start()));
    if (!majorityStays) tookMs.push(await system.untilAttached());
    await untilBrokersAreWhole(system);
    await system.untilAttached();
    return { what: 'attached', tookMs } as const;
  };
  return [
    {
      name: 'the broker that leads the queue of orders is killed, comes back; then each of the others',
      async run(system) {
        const leader = await system.leaderOf(ORDERS);
        const tookMs: number[] = [];
        for (const victim of [leader, ...system.brokers.filter((broker) => broker !== leader)]) {
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
      name: 'a broker stands still until the others give it up, goes on',
      async run(system) {
        const broker = await system.leaderOf(ORDERS);
        const others = system.brokers.filter((each) => each !== broker);
        await broker.pause();
        const pausedAt = performance.now();
        await eventually('the others see it away', async () => {
          const view = await brokerView(others[0] as RunningBroker, system.operator);
          return view.some(({ name, running }) => name.startsWith(`${broker.name}@`) && !running);
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
        await pause(alarmMs);
        await broker.clearMemoryAlarm();
        return { what: 'attached', tookMs: [await system.untilAttached()] };
      },
    },
  ];
}
