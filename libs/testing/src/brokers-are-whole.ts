import type { Login } from '@eco/base';
import { askManagement } from '@eco/broker';
import type { RunningBroker } from '@eco/cluster';
import { eventually } from './eventually.js';

/** State of a broker as another one sees it, from the management API. */
export interface BrokerView {
  name: string;
  running: boolean;
  partitions: string[];
  mem_alarm: boolean;
  disk_free_alarm: boolean;
}

export async function brokerView(broker: RunningBroker, operator: Login): Promise<BrokerView[]> {
  return (await get(broker, operator, 'nodes')) as BrokerView[];
}

/** Time within which brokers finish the repairs that they make by themselves, ms. */
const ALONE_MS = 20_000;
const WHOLE_MS = 240_000;

/**
 * Waits until each broker sees all others running without a partition, and every quorum queue's members are online.
 * `returned` is the broker that was stalled, cut off or out of disk space. Two cases do not recover by themselves:
 * - A broker that returns just when the others have given it up, without having noticed itself, stays partitioned where
 *   the topology is stored in Mnesia (before 4.2, unless moved to Khepri): seen on 4.0.5 and 3.10.8.
 * - A broker whose disk was full during writes: after a few attempts in half a second the supervisor of its quorum
 *   queues gives up (`ra_log_segment_writer`, enospc), and their members stay offline (seen on 3.10.8); or Mnesia ends,
 *   and it continues without knowing a user or a queue (seen on 4.0.5).
 *
 * An operator restarts it then. This function does the same, and reports it.
 */
export async function untilBrokersAreWhole(
  { brokers, operator }: { readonly brokers: readonly RunningBroker[]; readonly operator: Login },
  returned?: RunningBroker,
): Promise<void> {
  const restartAtMs = performance.now() + ALONE_MS;
  let mayRestart = returned !== undefined;
  const look = async () => {
    const defect = await defectOf(brokers, operator).catch((error: Error) => error.message);
    if (defect === undefined) return true;
    if (returned && mayRestart && performance.now() > restartAtMs) {
      mayRestart = false;
      process.stderr.write(`${returned.name} does not rejoin by itself, so it is restarted: ${defect}\n`);
      await returned.restart();
    }
    throw new Error(defect);
  };
  await eventually('the brokers are one cluster again', look, { deadlineMs: WHOLE_MS, pauseMs: 500 });
}

/** A defect that one of the brokers still reports. */
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

async function get(broker: RunningBroker, operator: Login, path: string): Promise<unknown> {
  const management = { url: broker.managementUrl, ...operator };
  const answer = await askManagement(management, `/api/${path}`, { deadlineMs: 5000 }).catch((error: Error) => {
    throw new Error(`${broker.name} does not answer: ${error.message}`);
  });
  if (!answer.ok) throw new Error(`${broker.name} answers ${answer.status}`);
  return JSON.parse(answer.text);
}
