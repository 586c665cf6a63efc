import type { RunningDatabase } from '@eco/cluster';
import type { LoginRole } from '@eco/database';
import { hostPort, type Address, type Login } from '@eco/base';
import { SideConnection } from '@eco/postgres';
import { startTestCluster, type TestCluster } from './test-cluster.js';
import { specProvider } from './test-provider.js';

/** A database group without brokers, for a spec that corrupts, kills, stops or promotes its servers. */
export interface DatabaseGroup {
  id: string;
  buckets: number;
  /** The first server starts as primary. */
  servers: readonly RunningDatabase[];
  login(role: LoginRole): Login;
  superuser: Login;
  /** Queries as superuser, in `ecomarket`; on the first server unless another is named. */
  asSuperuser<R extends Record<string, unknown>>(text: string, values?: unknown[], server?: Address): Promise<R[]>;
  /** Ends this group and the groups that were started together with it. */
  stop(): Promise<void>;
}

/** Time limit of a query, ms. A query may wait for a lock that a test holds. */
const ASK_MS = 30_000;

/** Starts a group in some three seconds, with one replica unless the options say otherwise. */
export async function startDatabaseGroup({
  id = 'g1',
  replicas = 1,
  buckets = 16,
}: { id?: string; replicas?: number; buckets?: number } = {}): Promise<DatabaseGroup> {
  const [group] = await startDatabaseGroups([{ id, replicas }], { buckets });
  if (group === undefined) throw new Error('no group was started');
  return group;
}

/** Starts the groups of one cluster, which share the buckets. */
export async function startDatabaseGroups(
  groups: { id: string; replicas: number }[],
  { buckets = 16 }: { buckets?: number } = {},
): Promise<DatabaseGroup[]> {
  const cluster = await startTestCluster(
    { brokers: 0, services: false, groups, buckets },
    { provider: specProvider() },
  );
  const connections = new Map<string, SideConnection>();
  const stop = async () => {
    for (const connection of connections.values()) connection.close();
    await cluster.destroy();
  };
  return cluster.groups.map(({ id, nodes }) => ({
    id,
    buckets,
    servers: nodes,
    login: (role) => loginOf(cluster, role),
    superuser: loginOf(cluster, 'postgres'),
    asSuperuser: (text, values, node = nodes[0]) => {
      const where = hostPort(node);
      const connection = connections.get(where) ?? new SideConnection(node, loginOf(cluster, 'postgres'), 'eco test');
      connections.set(where, connection);
      return connection.ask(text, values, ASK_MS);
    },
    stop,
  }));
}

function loginOf(cluster: TestCluster, role: LoginRole | 'postgres'): Login {
  const { user, password } = cluster.system.databaseLogin(role);
  return { user, password };
}
