import { randomBytes } from 'node:crypto';
import type { CommandBody, CommandKind } from '@eco/contracts';
import type { Arrived } from '@eco/domain';
import { newCommandId, newOrderId } from '@eco/routing';
import { commandOf, senderOfKind } from './batch-writer.js';

/** A command as it arrives from a queue. */
export function arrived<K extends CommandKind>(kind: K, body: CommandBody<K>): Arrived & { readable: true } {
  const command = commandOf(kind, body);
  return { readable: true, command, sender: senderOfKind(command) };
}

export function orderOf(customerId: string, lines: { productId: string; quantity: number }[]) {
  const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
  return arrived('order.place', { orderId, customerId, branchId: 'sucursal-1', lines });
}

export function reservationOf(customerId: string, lines: { productId: string; quantity: number }[], ttlSeconds = 600) {
  const reservationId = newCommandId({ nowMs: Date.now(), random: randomBytes(10), key: customerId });
  return arrived('reservation.create', { reservationId, customerId, branchId: null, lines, ttlSeconds });
}

export function confirmationOf({ command: { id: reservationId, body } }: ReturnType<typeof reservationOf>) {
  const { customerId } = body as CommandBody<'reservation.create'>;
  const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
  return arrived('reservation.confirm', { orderId, reservationId, customerId, branchId: null });
}

export function transferOf(productId: string, from: string, to: string, quantity: number) {
  const transferId = newCommandId({ nowMs: Date.now(), random: randomBytes(10), key: productId });
  return arrived('transfer.send', { transferId, productId, from, to, quantity });
}

/** A place in the log of a branch. */
export interface EntryPlace {
  branchId: string;
  incarnation: number;
  sequence: number;
}

export function saleOf(place: EntryPlace, lines: { productId: string; quantity: number }[]) {
  const newId = () => newCommandId({ nowMs: Date.now(), random: randomBytes(10), key: place.branchId });
  const sold = lines.map((line) => ({ ...line, name: line.productId, unitPriceCents: 250, taxBasisPoints: 1600 }));
  const totalCents = sold.reduce((sum, { quantity }) => sum + quantity * 250, 0);
  return arrived('sale.record', {
    ...place,
    saleId: newId(),
    till: '1',
    receiptNumber: `A-${place.branchId}-1-${place.incarnation}-${place.sequence}`,
    shiftId: newId(),
    soldAt: new Date().toISOString(),
    customerId: null,
    lines: sold,
    payment: { cashCents: totalCents, cardCents: 0, changeCents: 0, roundingCents: 0 },
    totalCents,
  });
}

export function fetchOf(branchId: string, productId: string, quantity: number) {
  const transferId = newCommandId({ nowMs: Date.now(), random: randomBytes(10), key: productId });
  return arrived('quota.fetch', { transferId, branchId, productId, quantity, remaining: 0 });
}

export function productOf(productId: string, stock: number, priceCents = 250) {
  return arrived('product.create', { productId, name: `Product "${productId}"`, priceCents, stock });
}
