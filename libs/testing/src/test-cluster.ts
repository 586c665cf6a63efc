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

const FREE_PORTS = {
  ...{ amqp: 0, management: 0, erlang: 0, postgres: 0 },
  ...{ central: 0, sucursal: 0, branches: 0, read: 0, operators: 0, observability: 0 },
};

/**
 * Real servers on free ports in a separate folder, so that they can run next to `npm start`. `destroy` removes
 * everything, and so does a killed test run. They run as processes unless `provider` says otherwise; see
 * `suiteProvider`.
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
      // Removes everything, including what a suite added to the folder.
      await rm(dataDir, { recursive: true, force: true });
    };
    return Object.assign(cluster, { dataDir, destroy });
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

/** The container client takes a second to load, so it is loaded only if needed. */
async function startInContainers(description: ClusterDescription): Promise<RunningCluster> {
  const { startContainers } = await import('@eco/cluster/containers');
  return startContainers(description);
}
