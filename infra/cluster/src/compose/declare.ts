import { trustAuthority } from '@eco/base';
import { askNodes, primaryOf } from '@eco/postgres';
import { declareBrokers } from '../declare-brokers.js';
import type { ClusterDescription } from '../description.js';
import { signedGroup, type DatabaseNode, type GroupLayout } from '../layout.js';
import { prepareDatabases, superuserPasswords, untilReplicasStream } from '../prepare-databases.js';
import { Refused } from '../refused.js';
import { openSecrets, type Secrets } from '../secrets.js';
import { readAuthority } from '../authority.js';
import { until } from '../until.js';
import { allDir, readGroups } from './configure.js';
import { brokers, groupOf, MANAGEMENT_PORT } from './addresses.js';

/** Time for the servers to start, ms. They start at the same time as this job. */
const SERVERS_MS = 180_000;
/** Time for the replicas to follow, ms. A replica can copy its primary only once the primary has the role for it. */
const STREAM_MS = 120_000;
/**
 * Time after which the job continues without the missing servers, ms. A server that can start has usually started by
 * then.
 */
const ALL_MS = 45_000;

/**
 * The second job of compose.yaml: users, exchanges and queues of the brokers; roles, schema and buckets of each group.
 * It waits 45 s for all servers, then for the servers that the services need: a majority of the brokers, each primary
 * and one of its replicas. So one server that can't start prevents nothing else from starting. It may run at every
 * start.
 */
export async function declare(
  dir: string,
  { buckets, branchIds, timeZone }: Pick<ClusterDescription, 'buckets' | 'branchIds' | 'timeZone'>,
): Promise<void> {
  const groupIds = await readGroups(dir);
  const secrets = await openSecrets(allDir(dir), { branchIds, groupIds });
  const authority = await readAuthority(allDir(dir));
  trustAuthority(authority);
  const groups = groupIds.map(groupOf).map((group) => signedGroup(group, authority));
  const began = performance.now();
  const isPatient = () => performance.now() - began < ALL_MS;
  const majority = Math.floor(brokers.length / 2) + 1;
  await Promise.all([
    declareBrokers({
      urls: brokers.map(({ host }) => `https://${host}:${MANAGEMENT_PORT}`),
      branchIds,
      groupIds,
      brokers: brokers.length,
      running: () => (isPatient() ? brokers.length : majority),
      formMs: SERVERS_MS,
      forServices: true,
      secrets,
    }),
    ...groups.map(async (group) => {
      const candidates = inTurn(group.nodes);
      const prepare = async () =>
        prepareDatabases({
          primary: (await primaryNodeOf(group, secrets)) ?? candidates(),
          groupId: group.id,
          groupIds,
          buckets,
          locations: branchIds,
          timeZone,
          secrets,
        });
      await untilDone(prepare);
      const missing = () => (isPatient() ? 0 : group.nodes.length - 2);
      await untilReplicasStream(group, secrets, { deadlineMs: STREAM_MS }, missing);
    }),
  ]);
}

/** Retries while the primary is still starting. Refusals are reported at once. */
async function untilDone(work: () => Promise<void>): Promise<void> {
  let failure: unknown;
  const done = async () => {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof Refused) throw error;
      failure = error;
      return false;
    }
  };
  await until('the primary did not answer', done, { deadlineMs: SERVERS_MS, pauseMs: 500 }).catch((error: Error) => {
    throw new Error(`${error.message}: ${String(failure)}`, { cause: error });
  });
}

/** The node that says it is primary (R7). Undefined also for a group without its database yet: nobody can log in there. */
async function primaryNodeOf({ nodes }: GroupLayout, secrets: Secrets): Promise<DatabaseNode | undefined> {
  const answers = await askNodes(nodes, { user: 'postgres', password: superuserPasswords(secrets) });
  const primary = primaryOf(answers)?.node;
  return nodes.find(({ host }) => host === primary?.host);
}

/** Returns the next node at each call. Any node may have become the first primary, and a replica refuses to be prepared. */
function inTurn(nodes: GroupLayout['nodes']): () => DatabaseNode {
  let calls = 0;
  return () => nodes[calls++ % nodes.length] ?? nodes[0];
}
