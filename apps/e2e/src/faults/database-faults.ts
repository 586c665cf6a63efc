import { sleep } from '@eco/base';
import type { RunningDatabase } from '@eco/cluster';
import { eventually } from '@eco/testing';
import type { Fault, Lengths, Recovery } from './fault.js';
import type { FaultSystem } from './fault-system.js';

const PATIENCE = { deadlineMs: 120_000, pauseMs: 100 };

export function databaseFaults(lengths: Lengths): Fault[] {
  return [
    {
      name: `the primary is stopped for ${lengths.databaseAwayMs / 1000} s`,
      async run(system) {
        const primary = await system.primary();
        await primary.stop();
        await sleep(lengths.databaseAwayMs);
        await primary.start();
        const tookMs = [await system.untilAttached()];
        await system.untilReplicasStream();
        return { what: 'attached', tookMs };
      },
    },
    {
      name: `both replicas are away, longer than the brokers wait for an acknowledgement (${lengths.consumerTimeoutMs / 1000} s)`,
      run: (system) => replicasAway(system, lengths),
    },
    {
      name: 'commits are cut short, the primary is thrown away, the most advanced replica is promoted by hand',
      run: (system) => primaryThrownAway(system),
    },
  ];
}

/**
 * Stops all replicas, so that nothing is confirmed. A COMMIT then waits for a replica longer than the brokers wait for
 * an acknowledgement. The brokers close the writer's channel, and the writer must neither lose nor double the
 * deliveries.
 */
async function replicasAway(system: FaultSystem, lengths: Lengths): Promise<Recovery> {
  const primary = await system.primary();
  const replicas = system.nodes.filter((node) => node !== primary);
  await lowerConsumerTimeout(system, lengths.consumerTimeoutMs);
  const before = await subscriptions(system);
  await Promise.all(replicas.map((node) => node.kill()));
  await untilCommitWaits(system);
  const confirmed = await confirmedOrders(system);
  await sleep(lengths.replicasAwayMs);
  const meanwhile = await confirmedOrders(system);
  if (meanwhile !== confirmed)
    throw new Error(`${meanwhile - confirmed} orders were decided while no replica streamed`);
  await Promise.all(replicas.map((node) => node.start()));
  const tookMs = [await system.untilAttached()];
  await system.untilReplicasStream();
  // One of the closed channels is closed by the writer itself, after 5 s.
  if ((await subscriptions(system)) < before + 2)
    throw new Error('the brokers closed no channel: the timeout was not lowered');
  await lowerConsumerTimeout(system, CONSUMER_TIMEOUT_MS);
  return { what: 'attached', tookMs };
}

/**
 * Cuts short a COMMIT's wait for a replica. The server then answers `COMMIT` with a warning, and the commit is only on
 * the primary. The primary and its data are lost after that. A client that took the commit for done would have lost it.
 */
async function primaryThrownAway(system: FaultSystem): Promise<Recovery> {
  const primary = await system.primary();
  const replicas = system.nodes.filter((node) => node !== primary) as [RunningDatabase, RunningDatabase];
  await Promise.all(replicas.map((node) => node.kill()));
  for (let times = 0; times < CUT_SHORT; times += 1) {
    await untilCommitWaits(system);
    const [cut] = await system.sql<{ cut: string }>(
      `SELECT count(*) FILTER (WHERE pg_cancel_backend(a.pid)) AS cut
       FROM pg_stat_activity a WHERE a.application_name = 'eco writer' AND a.wait_event = 'SyncRep'`,
      [],
      { on: primary, role: 'postgres' },
    );
    if (cut?.cut !== '1') times -= 1;
  }
  await primary.lose();
  const startedAt = performance.now();

  await Promise.all(replicas.map((node) => node.start()));
  const [one, two] = replicas;
  const oneIsAhead = (await untilReplayed(system, one)) >= (await untilReplayed(system, two));
  const [best, other] = oneIsAhead ? [one, two] : [two, one];
  await best.promote();
  await other.follow(best);
  await system.untilAttached();
  return { what: 'attached', tookMs: [performance.now() - startedAt] };
}

const CUT_SHORT = 3;

/**
 * Time without replay after which a recently started replica has replayed everything, ms. If this were checked too
 * early, the wrong replica would be promoted and confirmed data lost.
 */
const REPLAYED_MS = 3000;

/** The replica's position in the log, once it has replayed everything. */
async function untilReplayed(system: FaultSystem, node: RunningDatabase): Promise<bigint> {
  const place = async () => {
    const [row] = await system.sql<{ place: string }>(
      `SELECT pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::text AS place`,
      [],
      { on: node, role: 'postgres' },
    );
    return BigInt(row?.place ?? 0);
  };
  return eventually(
    `${node.name} has replayed all it has`,
    async () => {
      const before = await place();
      await sleep(REPLAYED_MS);
      return (await place()) === before && { before };
    },
    PATIENCE,
  ).then(({ before }) => before);
}

async function untilCommitWaits(system: FaultSystem): Promise<void> {
  await eventually(
    'a commit of the writer waits for a replica',
    async () => {
      const rows = await system.sql(
        `SELECT FROM pg_stat_activity a WHERE a.application_name = 'eco writer' AND a.wait_event = 'SyncRep'`,
        [],
        { role: 'postgres' },
      );
      return rows.length > 0;
    },
    PATIENCE,
  );
}

async function confirmedOrders(system: FaultSystem): Promise<number> {
  const [row] = await system.sql<{ orders: string }>('SELECT count(*) AS orders FROM eco.orders');
  return Number(row?.orders);
}

/** Number of the active writer's subscriptions to the queue of orders. */
function subscriptions(system: FaultSystem): Promise<number> {
  return eventually(
    'the active writer says how often it has subscribed',
    async () => {
      const active = await system.active();
      const metrics = active && (await system.metrics(active));
      return metrics?.value('eco_consumer_subscriptions_total', { queue: 'orders.g1' });
    },
    PATIENCE,
  );
}

/** RabbitMQ's default of `consumer_timeout`, ms. */
const CONSUMER_TIMEOUT_MS = 30 * 60_000;

/**
 * Lowers the time that brokers wait for an acknowledgement before they close the channel. They check it each minute, so
 * that interval is lowered too. A channel keeps the value from its opening, so the writer's channels are opened again.
 */
async function lowerConsumerTimeout(system: FaultSystem, ms: number): Promise<void> {
  const lookMs = Math.min(60_000, ms / 5);
  const set = `application:set_env(rabbit, consumer_timeout, ${ms}), application:set_env(rabbit, channel_tick_interval, ${lookMs}).`;
  await Promise.all(system.brokers.map((broker) => broker.control('eval', set)));
  const active = await system.untilActive();
  await active.restart();
  await system.untilAttached();
}
