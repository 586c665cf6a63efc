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

/** What brokers mend by themselves is mended sooner. */
const ALONE_MS = 20_000;
const WHOLE_MS = 240_000;

/**
 * Waits until each broker sees all of them run without a split, and every quorum queue's members are online.
 *
 * `returned` stood still, was cut off or had no room, and is back. Two of them do not find in again by themselves:
 * - One that comes back in the moment in which the others have given it up, and itself has not noticed, stays split from
 *   them where the topology is kept in Mnesia (before 4.2, unless moved to Khepri): seen on 4.0.5 and 3.10.8.
 * - One whose disk was full while it wrote: after a few attempts in half a second its quorum queues' supervisor gives up
 *   (`ra_log_segment_writer`, enospc), and their members stay offline (seen on 3.10.8); or Mnesia ends, and it goes on
 *   without knowing a user or a queue (seen on 4.0.5).
 * Who runs it restarts it then. That is done here too, and said.
 */
export async function untilBrokersAreWhole(
  { brokers, operator }: Pick<RunningCluster, 'brokers' | 'operator'>,
  returned?: RunningBroker,
): Promise<void> {
  const restartAtMs = performance.now() + ALONE_MS;
  let mayRestart = returned !== undefined;
  const look = async () => {
    const defect = await defectOf(brokers, operator).catch((error: Error) => error.message);
    if (defect === undefined) return true;
    if (returned && mayRestart && performance.now() > restartAtMs) {
      mayRestart = false;
      process.stderr.write(`${returned.name} does not find in again by itself and is restarted: ${defect}\n`);
      await returned.restart();
    }
    throw new Error(defect);
  };
  await eventually('the brokers are one cluster again', look, { deadlineMs: WHOLE_MS, pauseMs: 500 });
}

/** What is still missing, as any of them says. */
async function defectOf(brokers: readonly RunningBroker[], operator: Login): Promise<string | undefined> {
  for (const broker of brokers) {
    const view = await brokerView(broker, operator);
    const away = view.filter(({ running }) => !running);
    if (view.length < brokers.length || away.length > 0) {
      const seen = away.map(({ name, partitions = [] }) => `${name} (split from ${partitions.join() || 'nobody'})`);
      return `${broker.name} misses ${seen.join(', ') || 'some'}`;
    }
    const split = view.filter(({ partitions = [] }) => partitions.length > 0);
    if (split.length > 0) return `${broker.name} sees a split: ${JSON.stringify(split.map(({ name }) => name))}`;
    const queues = (await get(broker, operator, 'queues')) as { name: string; type: string; online?: string[] }[];
    const short = queues.filter(({ type, online = [] }) => type === 'quorum' && online.length < brokers.length);
    if (short.length > 0) {
      return `${broker.name} sees members offline: ${short.map(({ name, online }) => `${name} has ${online?.join()}`).join('; ')}`;
    }
  }
  return undefined;
}

async function get(broker: RunningBroker, { user, password }: Login, path: string): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const response = await fetch(`${broker.managementUrl}/api/${path}`, {
    headers: { authorization },
    signal: AbortSignal.timeout(5000),
  }).catch((error: Error) => {
    throw new Error(`${broker.name} does not answer: ${error.message}`);
  });
  if (!response.ok) throw new Error(`${broker.name} answers ${response.status}`);
  return response.json();
}
