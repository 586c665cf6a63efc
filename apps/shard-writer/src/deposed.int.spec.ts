import { randomBytes } from 'node:crypto';
import { BrokerConnection, CommandPublisher } from '@eco/broker';
import { brokenChecks, verifyGroup } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { newOrderId } from '@eco/routing';
import { commandOf, eventually, startTestCluster, WriterProcess, type TestCluster } from '@eco/testing';

/*
 * A network splits one group: a writer reaches the brokers and a primary that was replaced, and no other node. It can
 * commit nothing and does not learn why. Commands that the brokers deliver to it must not wait for it.
 */

/**
 * Longest time until all commands are decided, ms. It is well below the 60 s for which a leader keeps deliveries while
 * its server is only slow.
 */
const ALL_DECIDED_MS = 40_000;

type Node = TestCluster['groups'][number]['nodes'][number];

let cluster: TestCluster;
let publisher: CommandPublisher;
let reader: SideConnection;
const closing: { stop(): Promise<unknown> }[] = [];
const writers: WriterProcess[] = [];

function startWriter(name: string, reachable: readonly Node[]): WriterProcess {
  const writer = new WriterProcess(cluster, name, [], reachable);
  writers.push(writer);
  writer.start();
  return writer;
}

/**
 * Ends the replica's stream. Returns its position in the log when it has replayed all that it received. The primary goes
 * on writing, and any one replica may have received more than the other. A replica cannot follow one that has less.
 */
async function detach(replica: Node): Promise<bigint> {
  using connection = new SideConnection(replica, cluster.system.databaseLogin('postgres'), 'spec');
  const ask = <R extends Record<string, unknown>>(text: string) => connection.ask<R>(text, [], 10_000);
  await Promise.all([ask(`ALTER SYSTEM SET primary_conninfo = ''`), ask('SELECT pg_reload_conf()')]);
  return eventually(`${replica.name} has replayed its log`, async () => {
    const [row] = await ask<{ place: string }>(
      `SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::text AS place
       WHERE NOT EXISTS (SELECT FROM pg_stat_wal_receiver)
         AND EXISTS (SELECT FROM pg_stat_activity a
                     WHERE a.backend_type = 'startup' AND a.wait_event = 'RecoveryRetrieveRetryInterval')`,
    );
    return row && BigInt(row.place);
  });
}

beforeAll(async () => {
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 2 }], services: false });
  const brokers = cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort }));
  const connection = new BrokerConnection({
    access: { brokers, ...cluster.system.brokerLogin('central') },
    name: 'spec',
  });
  publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 60_000 });
  connection.start();
  publisher.start();
  closing.push(publisher, connection);
}, 180_000);

afterAll(async () => {
  for (const writer of writers) await writer.kill();
  for (const part of closing) await part.stop();
  reader?.close();
  await cluster?.destroy();
});

it('a leader on a replaced primary requeues its commands within seconds, and the next leader decides them', async () => {
  const [oldPrimary, one, two] = cluster.groups[0]?.nodes as [Node, Node, Node];
  const cutOff = startWriter('cut-off', [oldPrimary]);
  await eventually('the first writer leads', async () => (await cutOff.role()) === 'active');
  const { reply } = publisher.publishAndWait(
    commandOf('product.create', { productId: 'tea', name: 'Tea', priceCents: 320, stock: 100_000 }),
    { waitMs: 60_000 },
  );
  expect((await reply)?.reply).toMatchObject({ type: 'outcome', status: 'done' });

  const [newPrimary, replica] = (await detach(one)) >= (await detach(two)) ? [one, two] : [two, one];
  await newPrimary.promote();
  await replica.follow(newPrimary);
  const next = startWriter('next', [newPrimary, replica]);
  await eventually('the second writer leads', async () => (await next.role()) === 'active');

  const orders = Array.from({ length: 400 }, (_, index) => {
    const customerId = `customer-${index}`;
    const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
    const lines = [{ productId: 'tea', quantity: 1 }];
    return commandOf('order.place', { orderId, customerId, branchId: null, lines });
  });
  const outcomes = await Promise.all(orders.map((order) => publisher.publish(order)));
  expect(new Set(outcomes.map(({ type }) => type))).toEqual(new Set(['confirmed']));
  reader = new SideConnection(newPrimary, cluster.system.databaseLogin('eco_operator'), 'spec');
  await eventually(
    'every order is decided on the new primary',
    async () => {
      const [row] = await reader.ask<{ n: string }>('SELECT count(*) AS n FROM eco.orders', [], 10_000);
      if (Number(row?.n) !== orders.length) throw new Error(`${row?.n} of ${orders.length} are decided`);
      return true;
    },
    { deadlineMs: ALL_DECIDED_MS },
  );
  // The cut-off writer never learned of the failover, so it requeued the commands only because of its own wait.
  await eventually('it logs that', () => cutOff.log.includes('database wait exceeded its limit'));
  expect(cutOff.log).not.toMatch(/leadership ends|session on the primary lost/);
  expect(brokenChecks(await verifyGroup(newPrimary, cluster.system.databaseLogin('eco_operator')))).toEqual([]);
}, 300_000);
