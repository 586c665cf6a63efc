import { statfs } from 'node:fs/promises';
import type { Login } from '@eco/base';
import { manage, VHOST } from '@eco/broker';
import { clientUrlOf, operatorsUrlOf, RunningSystem, type Layout, type Secrets, type ServiceNode } from '@eco/cluster';
import { ReplicationWatch } from '@eco/database';
import { Metrics } from '@eco/observability';
import { SideConnection } from '@eco/postgres';
import { z } from 'zod';
import type { ProcessStatus } from '../process-status.js';
import { certificateExpiry } from './certificates.js';
import type { Facts } from './facts.js';

const ANSWER_MS = 3000;
/** The header `Date` has whole seconds. */
const DATE_ERROR_S = 0.5;

/** A running system, as the operator's machine reaches it. */
export interface Observed {
  readonly layout: Layout;
  readonly secrets: Secrets;
  readonly processes: readonly ProcessStatus[];
  /** Absent: the data is not on this machine. */
  readonly dataDir?: string;
}

/** Asks all parts of a system at the same time. Settles within a few seconds, even without answers. */
export async function look({ layout, secrets, processes, dataDir }: Observed): Promise<Facts> {
  const system = new RunningSystem(layout, secrets);
  const monitor = system.databaseLogin('eco_monitor');
  const [services, nodes, databaseClocks, broker, disk, certificates] = await Promise.all([
    Promise.all(layout.services.map(askService)),
    Promise.all(layout.groups.map((group) => askGroup(group, monitor))),
    Promise.all(layout.groups.flatMap((group) => group.nodes.map((node) => askDatabaseClock(node, monitor)))),
    askBrokers(system),
    dataDir === undefined ? undefined : diskOf(dataDir),
    certificatesOf(layout),
  ]);
  const clocks = [...services.map(({ clock }) => clock), ...databaseClocks];
  return {
    processes,
    metrics: services.map(({ name, metrics }) => ({ process: name, metrics })),
    nodes: nodes.flat(),
    clocks: clocks.filter((clock) => clock !== undefined),
    queues: broker?.queues,
    brokers: broker?.nodes,
    disk,
    certificates,
  };
}

async function askService(service: ServiceNode) {
  const { name } = service;
  const askedAtMs = Date.now();
  try {
    const response = await fetch(`${operatorsUrlOf(service)}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const clock = clockOf(name, askedAtMs, Date.parse(response.headers.get('date') ?? '') + 500, DATE_ERROR_S);
    return { name, metrics: response.ok ? new Metrics(await response.text()) : undefined, clock };
  } catch {
    return { name, metrics: undefined, clock: undefined };
  }
}

/** The clock of a process that answered `theirMs` to a question of `askedAtMs`; the answer has just arrived. */
function clockOf(
  name: string,
  askedAtMs: number,
  theirMs: number,
  errorS: number,
): Facts['clocks'][number] | undefined {
  const answeredAtMs = Date.now();
  const aheadS = (theirMs - (askedAtMs + answeredAtMs) / 2) / 1000;
  return Number.isNaN(aheadS) ? undefined : { name, aheadS, errorS: errorS + (answeredAtMs - askedAtMs) / 2000 };
}

async function askGroup({ nodes }: Layout['groups'][number], login: Login): Promise<Facts['nodes']> {
  const watch = new ReplicationWatch(nodes, login);
  try {
    return await watch.look();
  } finally {
    watch.close();
  }
}

async function askDatabaseClock(node: Layout['groups'][number]['nodes'][number], login: Login) {
  const connection = new SideConnection(node, login, 'eco doctor');
  try {
    // The first answer includes the log-in, which takes long.
    await connection.ask('SELECT 1', [], ANSWER_MS);
    const askedAtMs = Date.now();
    const [row] = await connection.ask<{ ms: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
      [],
      ANSWER_MS,
    );
    return row && clockOf(node.name, askedAtMs, row.ms, 0);
  } catch {
    return undefined;
  } finally {
    connection.close();
  }
}

const queuesSchema = z.array(z.object({ name: z.string(), messages: z.number().default(0) }));
const nodesSchema = z.array(
  z.object({
    name: z.string(),
    mem_alarm: z.boolean().default(false),
    disk_free_alarm: z.boolean().default(false),
    disk_free: z.number().optional(),
  }),
);

/** What the first broker that answers knows about all of them. */
async function askBrokers(system: RunningSystem) {
  const { brokers } = system.layout;
  if (brokers.length === 0) return undefined;
  const answers = brokers.map(async (broker) => {
    const management = system.management('operator', broker);
    const [queues, nodes] = await Promise.all([
      manage(management, `/api/queues/${encodeURIComponent(VHOST)}`, { deadlineMs: ANSWER_MS }),
      manage(management, '/api/nodes', { deadlineMs: ANSWER_MS }),
    ]);
    return {
      queues: queuesSchema.parse(queues),
      nodes: nodesSchema.parse(nodes).map((node) => ({
        name: node.name,
        alarms: [...(node.mem_alarm ? ['memory'] : []), ...(node.disk_free_alarm ? ['disk'] : [])],
        freeBytes: node.disk_free,
      })),
    };
  });
  return Promise.any(answers).catch(() => undefined);
}

async function diskOf(dir: string): Promise<Facts['disk']> {
  const { bavail, blocks, bsize } = await statfs(dir);
  return { freeBytes: bavail * bsize, bytes: blocks * bsize };
}

/** Without an authority nothing is encrypted. A port 0 leads nowhere. */
async function certificatesOf(layout: Layout): Promise<Facts['certificates']> {
  const listeners = [
    ...layout.services.flatMap((service) =>
      [clientUrlOf(service), operatorsUrlOf(service)].map((url) => ({ ...service, port: Number(new URL(url).port) })),
    ),
    ...layout.brokers.flatMap((broker) => [
      { ...broker, port: broker.amqpPort },
      { ...broker, port: broker.managementPort },
    ]),
    ...layout.groups.flatMap(({ nodes }) => nodes.map((node) => ({ ...node, protocol: 'postgres' as const }))),
  ].filter(({ authority, port }) => authority !== undefined && port !== 0);
  const expiries = await Promise.all(
    listeners.map(async (listener) => {
      const expiresAtMs = await certificateExpiry(listener, 'protocol' in listener ? listener.protocol : 'tls');
      return expiresAtMs === undefined ? [] : [{ name: `${listener.name}:${listener.port}`, expiresAtMs }];
    }),
  );
  return expiries.flat();
}
