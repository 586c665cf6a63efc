import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describeCluster, type ClusterInput, type RunningCluster } from '@eco/cluster';
import { startContainers } from '@eco/cluster/containers';

const FREE_PORTS = { amqp: 0, management: 0, erlang: 0, postgres: 0 };

/**
 * Servers of the next version next to those of the running system, with its passwords: containers. `description` is the
 * one of the running system.
 */
export async function startNewServers(
  { dataDir }: { readonly dataDir: string },
  description: Omit<ClusterInput, 'dataDir' | 'ports' | 'services'>,
): Promise<RunningCluster> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'eco-test-'));
  for (const name of ['cluster.json', 'secrets']) {
    await cp(path.join(dataDir, name), path.join(folder, name), { recursive: true });
  }
  try {
    return await startContainers(
      describeCluster({ ...description, services: false, dataDir: folder, ports: FREE_PORTS }),
    );
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
