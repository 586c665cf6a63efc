import type { RunningDatabase } from '@eco/cluster';
import { SideConnection } from '@eco/postgres';
import { eventually } from '@eco/testing';
import type { Fault } from '../faults/fault.js';
import type { FaultSystem } from '../faults/fault-system.js';
import { OldPrimary } from './old-primary.js';

/** By how much the lagging replica replays late, s. */
const LAG_S = 3;
const PATIENCE = { deadlineMs: 120_000, pauseMs: 20 };

/**
 * Losses of a primary that `eco up` replaces. Each settles when another node is the primary, all others follow it, and
 * everything works as before. It throws if the old primary acknowledged anything that is not at the new one.
 */
export const failoverFaults: readonly Fault[] = [
  { name: 'the server of the primary is killed', run: (system) => replaced(system, (lost) => lost.kill()) },
  { name: 'the primary is lost with its data', run: (system) => replaced(system, (lost) => lost.lose()) },
  { name: 'the primary is frozen', run: (system) => replaced(system, (lost) => lost.pause()) },
  {
    name: 'the network of the primary is cut, in both directions',
    run: (system) => replaced(system, (lost) => lost.cutOff(), { repair: (lost) => lost.reconnect() }),
  },
  {
    name: 'the primary is killed, and the next one during its promotion',
    run: (system) =>
      replaced(
        system,
        async (lost) => {
          const promoted = untilPromoted(system, lost);
          await lost.kill();
          await (await promoted).kill();
        },
        // If it was killed before its promotion took effect, the old primary may go on.
        { mayStay: true },
      ),
  },
  {
    name: `the primary is killed while a replica lags by ${LAG_S} s`,
    run: lagging,
  },
  { name: 'the primary is killed while a replica is away', run: oneAway },
  { name: 'commits are cut short while no replica answers, then the primary is lost with its data', run: cutShort },
];

export const switchovers: readonly Fault[] = [
  { name: 'eco switchover to a named replica, and back', run: switchedBothWays },
];

interface Replacement {
  /** What must be done before the old primary can return. */
  readonly repair?: (primary: RunningDatabase) => Promise<void>;
  /** True: the old primary may be the primary again. */
  readonly mayStay?: boolean;
}

async function replaced(
  system: FaultSystem,
  lose: (primary: RunningDatabase) => Promise<void>,
  { repair, mayStay = false }: Replacement = {},
) {
  await system.untilReplicasStream();
  const lost = await system.primary();
  const old = await OldPrimary.open(system, lost);
  const startedAt = performance.now();
  try {
    await lose(lost);
    if (!mayStay) await untilOtherPrimary(system, lost);
    await system.untilAttached();
  } finally {
    await repair?.(lost);
  }
  const tookMs = [performance.now() - startedAt];
  await old.close();
  await system.untilReplicasStream();
  await system.untilAttached();
  return { what: 'attached', tookMs } as const;
}

async function lagging(system: FaultSystem) {
  await system.untilReplicasStream();
  const primary = await system.primary();
  const late = system.nodes.find((node) => node !== primary) as RunningDatabase;
  await delayReplay(system, late, `${LAG_S}s`);
  try {
    await eventually(
      `${late.name} lags`,
      async () => {
        const [row] = await system.sql<{ lag: number }>(
          'SELECT extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS lag',
          [],
          { on: late, role: 'postgres' },
        );
        return (row?.lag ?? 0) > LAG_S - 1;
      },
      PATIENCE,
    );
    return await replacedWhile(system, primary, (lost) => lost.kill());
  } finally {
    await system.untilReplicasStream();
    // If the late replica is the primary now, pg_rewind has copied its settings to the old one.
    for (const node of system.nodes) await delayReplay(system, node, '0');
  }
}

async function oneAway(system: FaultSystem) {
  await system.untilReplicasStream();
  const primary = await system.primary();
  const away = system.nodes.find((node) => node !== primary) as RunningDatabase;
  await away.stop();
  try {
    await eventually(
      'only one replica counts',
      async () =>
        (await system.sql(`SELECT FROM eco.setting WHERE name = 'counting-nodes'`, [], { role: 'postgres' })).length >
        0,
      PATIENCE,
    );
    return await replacedWhile(system, primary, (lost) => lost.kill());
  } finally {
    await away.start();
    await system.untilReplicasStream();
  }
}

/**
 * Cuts short the wait of commits for a replica, so that the server answers COMMIT with a warning. They are only on the
 * primary, which is lost. A writer that took them for done would have lost confirmed orders.
 */
async function cutShort(system: FaultSystem) {
  await system.untilReplicasStream();
  const primary = await system.primary();
  const replicas = system.nodes.filter((node) => node !== primary);
  await Promise.all(replicas.map((node) => node.pause()));
  try {
    for (let times = 0; times < CUTS; times += 1) await cutCommit(system, primary);
  } finally {
    await primary.lose();
    await Promise.all(replicas.map((node) => node.resume()));
  }
  return replacedWhile(system, primary, async () => undefined);
}

const CUTS = 2;

/** Cancels a COMMIT of the writer that waits for a replica. */
async function cutCommit(system: FaultSystem, primary: RunningDatabase): Promise<void> {
  await eventually(
    'a commit of the writer was cut short',
    async () => {
      const [row] = await system.sql<{ cut: number }>(
        `SELECT count(*) FILTER (WHERE pg_cancel_backend(a.pid))::int AS cut
         FROM pg_stat_activity a WHERE a.application_name = 'eco writer' AND a.wait_event = 'SyncRep'`,
        [],
        { on: primary, role: 'postgres' },
      );
      return row?.cut === 1;
    },
    PATIENCE,
  );
}

/** Like `replaced`, while not all replicas follow as they should. */
async function replacedWhile(
  system: FaultSystem,
  lost: RunningDatabase,
  lose: (primary: RunningDatabase) => Promise<void>,
) {
  const startedAt = performance.now();
  await lose(lost);
  await untilOtherPrimary(system, lost);
  await system.untilAttached();
  return { what: 'attached', tookMs: [performance.now() - startedAt] } as const;
}

async function switchedBothWays(system: FaultSystem) {
  const before = await system.primary();
  const to = system.nodes.find((node) => node !== before) as RunningDatabase;
  const tookMs: number[] = [];
  for (const node of [to, before]) {
    await system.untilReplicasStream();
    const startedAt = performance.now();
    await system.operate({ type: 'switchover', to: node.name });
    await system.untilAttached();
    tookMs.push(performance.now() - startedAt);
    const now = await system.primary();
    if (now !== node) throw new Error(`${now.name} is the primary instead of ${node.name}`);
  }
  await system.untilReplicasStream();
  return { what: 'attached', tookMs } as const;
}

/** A replica that streams may not accept connections yet. */
async function delayReplay(system: FaultSystem, on: RunningDatabase, delay: string): Promise<void> {
  const set = async () => {
    using connection = new SideConnection(on, system.login('postgres'), 'eco faults');
    await connection.ask(`ALTER SYSTEM SET recovery_min_apply_delay = '${delay}'`, [], 10_000);
    await connection.ask('SELECT pg_reload_conf()', [], 10_000);
    return true;
  };
  await eventually(`the replay of ${on.name} is delayed by ${delay}`, set, PATIENCE);
}

function untilOtherPrimary(system: FaultSystem, lost: RunningDatabase): Promise<unknown> {
  return eventually('another primary', async () => (await system.primary()) !== lost, PATIENCE);
}

/** Resolves with the replica whose promotion has begun. */
async function untilPromoted(system: FaultSystem, lost: RunningDatabase): Promise<RunningDatabase> {
  const replicas = system.nodes.filter((node) => node !== lost);
  const connections = replicas.map((node) => new SideConnection(node, system.login('postgres'), 'eco faults'));
  try {
    return await eventually(
      'a promotion has begun',
      async () => {
        const begun = await Promise.all(connections.map((each) => each.ask<{ begun: boolean }>(PROMOTES, [], 5000)));
        return replicas.find((_, index) => begun[index]?.[0]?.begun === true);
      },
      { deadlineMs: 120_000, pauseMs: 2 },
    );
  } finally {
    connections.forEach((each) => each.close());
  }
}

const PROMOTES = `
SELECT NOT pg_is_in_recovery() OR EXISTS (
  SELECT FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND a.state = 'active' AND a.query LIKE '%pg_promote%'
) AS begun`;
