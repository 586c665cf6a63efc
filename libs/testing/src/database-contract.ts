import assert from 'node:assert/strict';
import type { Address, Login } from '@eco/base';
import type { RunningDatabase } from '@eco/cluster';
import { loginRoles, ReplicationWatch, type LoginRole } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { eventually } from './eventually.js';

/** A database of the group. A node of Patroni can do this, too. */
export type ContractNode = Address &
  Pick<RunningDatabase, 'name' | 'isRunning' | 'kill' | 'start' | 'pause' | 'resume' | 'cutOff' | 'reconnect'>;

/** A group of three databases, of any provider. */
export interface ContractGroup {
  readonly nodes: readonly ContractNode[];
  /** The present primary, once both replicas stream. */
  primary(): Promise<ContractNode>;
  login(role: LoginRole | 'postgres'): Login;
}

interface Term {
  readonly name: string;
  /** Restores the group. Throws if it is not kept. */
  readonly run: (group: ContractGroup) => Promise<void>;
}

const PATIENCE = { deadlineMs: 180_000 };

/** What every group of databases promises, however its nodes are started and its primary is chosen. */
export const databaseContract: readonly Term[] = [
  { name: 'each node has the settings of the group', run: hasSettings },
  { name: 'every account can log in with its password, and not without', run: letsIn },
  { name: 'a killed primary comes back by a start, with everything committed', run: comesBack },
  { name: 'a primary that is cut off does not answer, and answers once reconnected', run: isReconnected },
  ...(
    [
      ['stall', (node) => node.pause(), (node) => node.resume()],
      ['are cut off', (node) => node.cutOff(), (node) => node.reconnect()],
      ['are killed', (node) => node.kill(), (node) => node.start()],
    ] satisfies [string, Action, Action][]
  ).map(([what, fault, heal]) => ({
    name: `nothing is committed while both replicas ${what}, and commits go on when one is back`,
    run: (group: ContractGroup) => commitsWithOne(group, fault, heal),
  })),
];

type Action = (node: ContractNode) => Promise<void>;

/** Sends one statement to a node. It commits on its own. */
export async function sqlAt(
  { login }: Pick<ContractGroup, 'login'>,
  node: Address,
  text: string,
  deadlineMs = 10_000,
): Promise<Record<string, unknown>[]> {
  using connection = new SideConnection(node, login('postgres'), APPLICATION);
  return await connection.ask(text, [], deadlineMs);
}

const APPLICATION = 'contract';

let written = 0;

/** Writes a row outside of any batch. Resolves with its name when it is committed. */
export async function writeAt(group: Pick<ContractGroup, 'login'>, node: Address): Promise<string> {
  const name = `contract ${++written}`;
  await sqlAt(group, node, `INSERT INTO eco.setting (name, value) VALUES ('${name}', 'x')`, 120_000);
  return name;
}

/** Throws unless the node has the row. */
export async function assertHas(group: Pick<ContractGroup, 'login'>, node: Address, name: string): Promise<void> {
  const rows = await sqlAt(group, node, `SELECT FROM eco.setting WHERE name = '${name}'`);
  assert.equal(rows.length, 1, `the row ${name} is not there`);
}

/** Resolves when both replicas stream and count for commits. */
export async function untilReplicasCount({ nodes, login }: Omit<ContractGroup, 'primary'>): Promise<void> {
  const watch = new ReplicationWatch(nodes, login('eco_monitor'));
  try {
    await eventually(
      'both replicas stream',
      async () => {
        const seen = (await watch.look()).map(({ seenByPrimary }) => seenByPrimary);
        return seen.filter((each) => each?.state === 'streaming' && each.syncState === 'quorum').length === 2;
      },
      PATIENCE,
    );
  } finally {
    watch.close();
  }
}

async function hasSettings(group: ContractGroup): Promise<void> {
  await group.primary();
  for (const node of group.nodes) {
    const rows = await sqlAt(
      group,
      node,
      `SELECT name, setting FROM pg_settings
       WHERE name IN ('data_checksums', 'hot_standby_feedback', 'wal_sender_timeout')`,
    );
    assert.deepEqual(Object.fromEntries(rows.map(({ name, setting }) => [name, setting])), {
      data_checksums: 'on',
      hot_standby_feedback: 'on',
      wal_sender_timeout: '5000',
    });
  }
}

async function letsIn(group: ContractGroup): Promise<void> {
  const primary = await group.primary();
  for (const role of loginRoles.filter((each) => each !== 'eco_replicator')) {
    using good = new SideConnection(primary, group.login(role), APPLICATION);
    using bad = new SideConnection(primary, { ...group.login(role), password: 'wrong' }, APPLICATION);
    assert.deepEqual(await good.ask('SELECT session_user AS who', [], 5000), [{ who: role }]);
    await assert.rejects(bad.ask('SELECT 1', [], 5000), /password authentication failed/);
  }
}

async function comesBack(group: ContractGroup): Promise<void> {
  const primary = await group.primary();
  const name = await writeAt(group, primary);
  await primary.kill();
  assert.equal(await primary.isRunning(), false);
  await assert.rejects(sqlAt(group, primary, 'SELECT 1'));
  await primary.start();
  // Another one may be the primary by now.
  await assertHas(group, await group.primary(), name);
  await assertHas(group, primary, name);
}

async function isReconnected(group: ContractGroup): Promise<void> {
  const primary = await group.primary();
  await primary.cutOff();
  await assert.rejects(sqlAt(group, primary, 'SELECT 1', 2000));
  await primary.reconnect();
  await eventually('the node answers', () => sqlAt(group, primary, 'SELECT 1'), PATIENCE);
  await group.primary();
}

async function commitsWithOne(group: ContractGroup, fault: Action, heal: Action): Promise<void> {
  const primary = await group.primary();
  const [one, other] = group.nodes.filter(({ name }) => name !== primary.name) as [ContractNode, ContractNode];
  await Promise.all([fault(one), fault(other)]);
  const committed = writeAt(group, primary);
  committed.catch(() => undefined);
  await eventually('a commit waits for a replica', async () => {
    const rows = await sqlAt(
      group,
      primary,
      `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = '${APPLICATION}'`,
    );
    return rows.length === 1;
  });
  await heal(one);
  const name = await committed;
  await heal(other);
  await assertHas(group, await group.primary(), name);
}
