import { randomBytes } from 'node:crypto';
import { Registry } from 'prom-client';
import type { CommandKind, CommandOf } from '@eco/contracts';
import type { Address } from '@eco/base';
import { createLog } from '@eco/service';
import { Reads, type ReadSettings } from '@eco/reads';
import { newOrderId, type GroupPosition } from '@eco/routing';
import {
  BatchWriter,
  commandOf,
  eventually,
  startDatabaseGroup,
  type DatabaseGroup,
  type WrittenBatch,
} from '@eco/testing';

/** A whole number from the environment, for longer runs than the daily ones. */
export function numberFrom(variable: string, standard: number): number {
  const number = Number(process.env[variable] ?? standard);
  if (!Number.isInteger(number) || number < 1) throw new RangeError(`${variable} must be a whole number above 0`);
  return number;
}

/** A primary with two replicas, a writer on it, and reads of all three. */
export interface ReadSystem {
  readonly group: DatabaseGroup;
  readonly reads: Reads;
  readonly registry: Registry;
  /** Writes in the next batch. Returns the group's position after the commit. */
  write(...commands: CommandOf<CommandKind>[]): Promise<GroupPosition>;
  /** Promotes a node; 1 is the first primary. The call is repeated until the server accepts it. */
  run(number: number, ...statements: string[]): Promise<void>;
  server(number: number): DatabaseGroup['servers'][number];
  /** Opens other reads of the same nodes, at these addresses if they are given. They end with the system. */
  startReads(settings?: Partial<ReadSettings>, nodes?: readonly Address[]): Promise<StartedReads>;
  stop(): Promise<void>;
}

interface StartedReads {
  readonly reads: Reads;
  readonly registry: Registry;
}

export async function startReadSystem(settings: Partial<ReadSettings> = {}): Promise<ReadSystem> {
  const group = await startDatabaseGroup({ replicas: 2 });
  let writer = await BatchWriter.open(group);
  const started: Reads[] = [];
  const startReads = async (
    given: Partial<ReadSettings> = {},
    nodes: readonly Address[] = group.servers,
  ): Promise<StartedReads> => {
    const registry = new Registry();
    const reads = new Reads({
      groups: [{ id: group.id, nodes: nodes.map(({ host, port }) => ({ host, port })) }],
      login: group.login('eco_reader'),
      monitor: group.login('eco_monitor'),
      applicationName: 'spec',
      log: createLog({ name: 'spec', logLevel: 'silent' }),
      registry,
      settings: given,
    });
    started.push(reads);
    await reads.start();
    return { reads, registry };
  };
  const { reads, registry } = await startReads(settings);

  // A writer that stalls for longer than its session may be idle starts a new leadership. A command that was delivered
  // twice counts once.
  const written = async (commands: CommandOf<CommandKind>[]): Promise<WrittenBatch> => {
    try {
      return await writer.write(...commands);
    } catch {
      await writer.close().catch(() => undefined);
      writer = await eventually('the writer leads again', () => BatchWriter.open(group), { deadlineMs: 60_000 });
      return writer.write(...commands);
    }
  };
  // Commands that arrive during a batch form the next one, as in the writer itself.
  let waiting: CommandOf<CommandKind>[] = [];
  let next: Promise<GroupPosition> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const write = (...commands: CommandOf<CommandKind>[]) => {
    waiting.push(...commands);
    if (next === undefined) {
      const batch = last.then(async () => {
        const taken = waiting;
        waiting = [];
        next = undefined;
        return (await written(taken)).position;
      });
      next = batch;
      last = batch.catch(() => undefined);
    }
    return next;
  };

  const server = (number: number) => {
    const found = group.servers[number - 1];
    if (found === undefined) throw new Error(`there is no server ${number}`);
    return found;
  };
  return {
    group,
    reads,
    registry,
    write,
    server,
    async run(number, ...statements) {
      await eventually(
        `server ${number} follows the order`,
        async () => {
          for (const statement of statements) await group.asSuperuser(statement, [], server(number));
          return true;
        },
        { deadlineMs: 60_000 },
      );
    },
    startReads,
    async stop() {
      for (const each of started) each.stop();
      await last;
      await writer.close();
      await group.stop();
    },
  };
}

export function productNamed(productId: string, priceCents: number, stock = 0) {
  return commandOf('product.create', { productId, name: `Name of ${productId}`, priceCents, stock });
}

export function orderOf(customerId: string, productIds: readonly string[]) {
  const orderId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
  const lines = productIds.map((productId) => ({ productId, quantity: 1 }));
  return commandOf('order.place', { orderId, customerId, branchId: null, lines });
}
