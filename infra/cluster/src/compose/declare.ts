import { askNodes, primaryOf } from '@eco/database';
import { declareBrokers } from '../declare-brokers.js';
import type { ClusterDescription } from '../description.js';
import type { GroupLayout } from '../layout.js';
import { prepareDatabases, untilReplicasStream } from '../prepare-databases.js';
import { openSecrets, type Secrets } from '../secrets.js';
import { allDir, readGroups } from './configure.js';
import { brokers, groupOf, MANAGEMENT_PORT } from './network.js';

/** Replicas copy the primary once it has the role that they do it with. */
const STREAM_MS = 120_000;

/**
 * The second job of compose.yaml, once the servers answer: users, exchanges and queues of the brokers; roles, schema and
 * buckets of each group. It ends when every replica follows. May run at every start.
 */
export async function declare(
  dir: string,
  { buckets, branchId, timeZone }: Pick<ClusterDescription, 'buckets' | 'branchId' | 'timeZone'>,
): Promise<void> {
  const groupIds = await readGroups(dir);
  const secrets = await openSecrets(allDir(dir));
  await Promise.all([
    declareBrokers({
      management: {
        url: `http://${brokers[0]?.host}:${MANAGEMENT_PORT}`,
        user: 'operator',
        password: secrets.broker.operator,
      },
      groupIds,
      brokers: brokers.length,
      forServices: true,
      secrets,
    }),
    ...groupIds.map(groupOf).map(async (group) => {
      await prepareDatabases({
        primary: await primaryNodeOf(group, secrets),
        groupId: group.id,
        groupIds,
        buckets,
        locations: [branchId],
        timeZone,
        secrets,
      });
      await untilReplicasStream(group, secrets, { deadlineMs: STREAM_MS });
    }),
  ]);
}

/** The node that says so (R7). Of a group whose database is not made yet, the first. */
async function primaryNodeOf({ nodes }: GroupLayout, secrets: Secrets): Promise<GroupLayout['nodes'][0]> {
  const answers = await askNodes(nodes, { user: 'postgres', password: secrets.database.postgres });
  const primary = primaryOf(answers)?.node;
  return nodes.find(({ host }) => host === primary?.host) ?? nodes[0];
}
