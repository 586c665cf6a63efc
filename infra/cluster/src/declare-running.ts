import { askNodes, primaryOf } from '@eco/postgres';
import { declareBrokers } from './declare-brokers.js';
import { asSuperuser } from './failover.js';
import { managementUrlOf, type DatabaseNode, type GroupLayout, type Layout } from './layout.js';
import { prepareDatabases } from './prepare-databases.js';
import { Refused } from './refused.js';
import { openSecrets, type Secrets } from './secrets.js';

/**
 * Declares what this version needs while services of the version before run: users, exchanges and queues of the brokers;
 * roles and schema of each group. It is the first step of an upgrade. Throws a `Refused`, among others when a part of the
 * brokers or a primary is away.
 */
export async function declareRunning(dataDir: string, layout: Layout): Promise<void> {
  const branchIds = layout.services.flatMap(({ branchId }) => branchId ?? []);
  const groupIds = layout.groups.map(({ id }) => id);
  const secrets = await openSecrets(dataDir, { branchIds, groupIds });
  await declareBrokers({
    urls: layout.brokers.map(managementUrlOf),
    branchIds,
    groupIds,
    brokers: layout.brokers.length,
    running: () => Math.floor(layout.brokers.length / 2) + 1,
    forServices: true,
    secrets,
  });
  for (const group of layout.groups) await declareGroup(group, groupIds, branchIds, secrets);
}

async function declareGroup(
  group: GroupLayout,
  groupIds: readonly string[],
  locations: readonly string[],
  secrets: Secrets,
): Promise<void> {
  const login = { user: 'eco_monitor', password: secrets.database.eco_monitor };
  const found = primaryOf(await askNodes(group.nodes, login))?.node;
  const primary = group.nodes.find(({ host, port }) => host === found?.host && port === found.port);
  if (primary === undefined) throw new Refused(`no node of ${group.id} is the primary`);
  const buckets = await bucketsOf(primary, secrets);
  await prepareDatabases({ primary, groupId: group.id, groupIds, buckets, locations, secrets });
}

async function bucketsOf(primary: DatabaseNode, secrets: Secrets): Promise<number> {
  const [row] = await asSuperuser(primary, secrets.database.postgres, (at) =>
    at.ask<{ value: string }>(`SELECT s.value FROM eco.setting s WHERE s.name = 'buckets'`),
  );
  return Number(row?.value);
}
