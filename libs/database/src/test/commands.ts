import { randomBytes } from 'node:crypto';
import { nextStamp, type Command, type CommandBody, type CommandKind, type Stamp } from '@eco/contracts';
import { decideBatch, neededKeys, type Arrived, type Effects } from '@eco/domain';
import { newCommandId, newOrderId } from '@eco/routing';
import { commitBatch, openBatch, type Fault, type Reign, type WriterSession } from '../index.js';

let stamp: Stamp | undefined;
const source = () => ({ nowMs: Date.now(), random: randomBytes(10) });

/** As it comes from a queue. */
export function arrived<K extends CommandKind>(kind: K, body: CommandBody<K>): Arrived & { readable: true } {
  stamp = nextStamp(stamp, Date.now(), 'spec');
  const { orderId, customerId, productId } = body as { orderId?: string; customerId?: string; productId?: string };
  const id = orderId ?? newCommandId({ ...source(), key: customerId ?? productId ?? '' });
  return {
    readable: true,
    command: { id, stamp, sentBy: 'spec', correlationId: id, kind, body } as unknown as Command,
  };
}

export function orderOf(customerId: string, lines: { productId: string; quantity: number }[]) {
  const orderId = newOrderId({ ...source(), customerId });
  return arrived('order.place', { orderId, customerId, branchId: 'sucursal-1', lines });
}

export function productOf(productId: string, stock: number, priceCents = 250) {
  return arrived('product.create', { productId, name: `Product "${productId}"`, priceCents, stock });
}

export type Run = { type: 'committed'; effects: Effects; seq: number } | Fault;

/** Fence, load, decide, store. */
export async function runBatch(session: WriterSession, reign: Reign, commands: readonly Arrived[]): Promise<Run> {
  const opened = await openBatch(session, reign, neededKeys(commands));
  if (opened.type !== 'opened') return opened;
  const effects = decideBatch(opened.state, commands);
  const committed = await commitBatch(session, opened.state, effects);
  return committed.type === 'committed' ? { type: 'committed', effects, seq: opened.state.position.seq } : committed;
}
