import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  describeCluster,
  startNative,
  type ClusterDescription,
  type ClusterInput,
  type RunningCluster,
} from '@eco/cluster';
import type { TestProvider } from './test-provider.js';

export interface TestCluster extends RunningCluster {
  readonly dataDir: string;
}

const FREE_PORTS = { amqp: 0, management: 0, erlang: 0, postgres: 0, central: 0, sucursal: 0, read: 0, writer: 0 };

/**
 * Real servers on free ports in a folder of their own, so that it may run beside `npm start`. Everything goes with
 * `destroy`, and also when the test run is killed. Processes unless `provider` says otherwise; see `suiteProvider`.
 */
export async function startTestCluster(
  input: Omit<ClusterInput, 'dataDir' | 'ports'> = {},
  { provider = 'native' }: { provider?: TestProvider } = {},
): Promise<TestCluster> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'eco-test-'));
  const description = describeCluster({ ...input, dataDir, ports: FREE_PORTS });
  try {
    const cluster = await (provider === 'containers'
      ? startInContainers(description)
      : startNative(description, { endWithUs: 'the cluster and its data' }));
    const destroyCluster = cluster.destroy.bind(cluster);
    const destroy = async () => {
      await destroyCluster();
      // Also what a suite put there beside.
      await rm(dataDir, { recursive: true, force: true });
    };
    return Object.assign(cluster, { dataDir, destroy });
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

/** What speaks to an engine takes a second to load, so only who wants one loads it. */
async function startInContainers(description: ClusterDescription): Promise<RunningCluster> {
  const { startContainers } = await import('@eco/cluster/containers');
  return startContainers(description);
}
