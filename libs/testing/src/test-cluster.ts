import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describeCluster, startNative, type ClusterInput, type RunningCluster } from '@eco/cluster';

export interface TestCluster extends RunningCluster {
  readonly dataDir: string;
}

const FREE_PORTS = { amqp: 0, management: 0, erlang: 0, postgres: 0, central: 0, sucursal: 0, read: 0, writer: 0 };

/**
 * Real servers on free ports in a folder of their own, so that it may run beside `npm start`. Everything goes with
 * `destroy`, and also when the test run is killed.
 */
export async function startTestCluster(input: Omit<ClusterInput, 'dataDir' | 'ports'> = {}): Promise<TestCluster> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'eco-test-'));
  const cluster = await startNative(describeCluster({ ...input, dataDir, ports: FREE_PORTS }), {
    endWithUs: 'the cluster and its data',
  });
  return Object.assign(cluster, { dataDir });
}
