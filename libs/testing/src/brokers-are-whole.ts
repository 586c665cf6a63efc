import type { RunningBroker, RunningCluster } from '@eco/cluster';
import { eventually } from './eventually.js';

/** How one broker sees another, of its management API. */
export interface BrokerView {
  name: string;
  running: boolean;
  partitions: string[];
  mem_alarm: boolean;
  disk_free_alarm: boolean;
}

type Login = RunningCluster['operator'];

export async function brokerView(broker: RunningBroker, operator: Login): Promise<BrokerView[]> {
  return (await get(broker, operator, 'nodes')) as BrokerView[];
}

/** A split that the brokers heal by themselves is over sooner. */
const SPLIT_MS = 30_000;
const WHOLE_MS = 180_000;

/**
 * Waits until each broker sees all of them run without a split, and every queue's members are online.
 *
 * `returned` stood still or was cut off, and is back. One that comes back in the moment in which the others have given it
 * up, and itself has not noticed, may stay split from them for good: brokers that keep their topology in Mnesia (before
 * 4.2, where they may not have moved to Khepri) then say so and do nothing, and who runs them restarts it. That is done
 * here too, and said.
 */
export async function untilBrokersAreWhole(
  { brokers, operator }: Pick<RunningCluster, 'brokers' | 'operator'>,
  returned?: RunningBroker,
): Promise<void> {
  let splitSinceMs: number | undefined;
  const look = async () => {
    const views = await Promise.all(brokers.map((broker) => brokerView(broker, operator)));
    const isSplit = views.some((view) => view.some(({ partitions = [] }) => partitions.length > 0));
    splitSinceMs = isSplit ? (splitSinceMs ?? performance.now()) : undefined;
    if (returned && splitSinceMs !== undefined && performance.now() - splitSinceMs > SPLIT_MS) {
      process.stderr.write(`${returned.name} stays split from the others: it is restarted\n`);
      await returned.restart();
      splitSinceMs = undefined;
    }
    const isWhole = views.every(
      (view) => view.length === brokers.length && view.every(({ running }) => running) && !isSplit,
    );
    if (!isWhole) throw new Error(JSON.stringify(views));
    for (const broker of brokers) {
      const queues = (await get(broker, operator, 'queues')) as { name: string; type: string; online?: string[] }[];
      const short = queues.filter(({ type, online = [] }) => type === 'quorum' && online.length < brokers.length);
      if (short.length > 0) throw new Error(`${broker.name}: ${JSON.stringify(short)}`);
    }
    return true;
  };
  await eventually('the brokers are one cluster again', look, { deadlineMs: WHOLE_MS, pauseMs: 500 });
}

async function get(broker: RunningBroker, { user, password }: Login, path: string): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const response = await fetch(`${broker.managementUrl}/api/${path}`, {
    headers: { authorization },
    signal: AbortSignal.timeout(5000),
  });
  if (!response.ok) throw new Error(`${broker.name} answers ${response.status}`);
  return response.json();
}
