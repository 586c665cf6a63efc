import { randomBytes } from 'node:crypto';
import { newOrderId } from '@eco/routing';
import { SideConnection } from '@eco/postgres';
import { BatchWriter, commandOf } from '@eco/testing';
import type { System } from './system.js';
import type { OrderKind } from './wrk/wrk.js';

/**
 * Writer-only throughput: the writer's loop of fence, load, decide and store over one connection, without broker and
 * HTTP.
 */
export interface WriterOnlyResult {
  readonly kind: OrderKind;
  readonly orders: number;
  readonly perSecond: number;
  /** Bytes that the primary's log grew by for each order, with full pages and everything else that was logged. */
  readonly walBytes: number;
}

export interface WriterOnlySpec {
  readonly kind: OrderKind;
  readonly orders: number;
  readonly batchLimit: number;
  readonly products: number;
  readonly customers: number;
}

/** The writers must not run, because this leads the group. The first fifth of the orders is written and not counted. */
export async function measureWriterOnly(spec: WriterOnlySpec, system: System): Promise<WriterOnlyResult> {
  const { orders, batchLimit, kind } = spec;
  const writer = await BatchWriter.open({ login: () => system.login('eco_writer'), servers: [system.primary] });
  using reader = new SideConnection(system.primary, system.login('eco_reader'), 'bench');
  const walBytes = async () => {
    const [row] = await reader.ask<{ bytes: number }>(
      `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes`,
      [],
      WAL_MS,
    );
    return row?.bytes ?? NaN;
  };
  try {
    const write = async (count: number): Promise<number> => {
      let tookMs = 0;
      for (let left = count; left > 0; left -= batchLimit) {
        const batch = Array.from({ length: Math.min(left, batchLimit) }, () => orderOf(spec));
        const startedMs = performance.now();
        await writer.write(...batch);
        tookMs += performance.now() - startedMs;
      }
      return tookMs;
    };
    await write(Math.ceil(orders / 5));
    const before = await walBytes();
    const tookMs = await write(orders);
    const written = (await walBytes()) - before;
    return { kind, orders, perSecond: orders / (tookMs / 1000), walBytes: written / orders };
  } finally {
    await writer.close();
  }
}

const WAL_MS = 10_000;

/** Orders like those of orders.lua. */
function orderOf({ kind, products, customers }: WriterOnlySpec) {
  const customerId = `bench-customer-${below(customers) + 1}`;
  const orderId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
  return commandOf('order.place', { orderId, customerId, branchId: null, lines: linesOf(kind, products) });
}

function linesOf(kind: OrderKind, products: number) {
  if (kind === 'hot') return [{ productId: 'bench-hot', quantity: 1 }];
  const one = below(products);
  const other = (one + 1 + below(products - 1)) % products;
  return [one, other].map((index) => ({ productId: `bench-${index + 1}`, quantity: 1 + below(3) }));
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
