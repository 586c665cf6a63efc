import { createSecretKey } from 'node:crypto';
import {
  commandKinds,
  keyOf,
  type Command,
  type CommandBody,
  type CommandKind,
  type CommandOf,
  type MakingKind,
  type OrderLine,
} from '@eco/contracts';
import { commandIdFor, orderIdFor } from '@eco/routing';
import type { Arrived } from '../effects.js';

/** The time of the specs: 2026-11-24, noon. */
export const NOON_MS = Date.UTC(2026, 10, 24, 12);

/** The stamp of a command made this long after noon. */
export function stampAt(afterMs: number, sender = 'spec'): string {
  return `${String(NOON_MS + afterMs).padStart(15, '0')}-00000-${sender}`;
}

/** The id key of the specs' one client. */
const specIdKey = createSecretKey(Buffer.alloc(16, 7));

type Envelope = Partial<Pick<Command, 'id' | 'stamp' | 'notAfter' | 'sentBy'>>;

/** A command. Its id is derived from kind, key and `idempotencyKey`, so the same values make a repeat or a conflict. */
export function command<K extends Exclude<CommandKind, MakingKind>>(
  kind: K,
  body: CommandBody<K>,
  { idempotencyKey = JSON.stringify(body), ...envelope }: Envelope & { idempotencyKey?: string } = {},
): CommandOf<K> {
  const key = keyOf({ kind, body });
  const id = commandIdFor({ idKey: specIdKey, kind, key, idempotencyKey });
  return enveloped(kind, body, { id, ...envelope }) as CommandOf<K>;
}

export function placeOrder(
  customerId: string,
  lines: OrderLine[] | Record<string, number>,
  { idempotencyKey = JSON.stringify(lines), branchId = null, ...envelope }: Envelope & OrderFields = {},
): CommandOf<'order.place'> {
  const orderId = orderIdFor({ idKey: specIdKey, customerId, idempotencyKey });
  const body = { orderId, customerId, branchId, lines: asLines(lines) };
  return enveloped('order.place', body, { id: orderId, ...envelope }) as CommandOf<'order.place'>;
}

export function checkOut(
  customerId: string,
  { idempotencyKey = 'checkout', branchId = null, ...envelope }: Envelope & OrderFields = {},
): CommandOf<'cart.checkout'> {
  const orderId = orderIdFor({ idKey: specIdKey, customerId, idempotencyKey });
  return enveloped(
    'cart.checkout',
    { orderId, customerId, branchId },
    { id: orderId, ...envelope },
  ) as CommandOf<'cart.checkout'>;
}

export function reserve(
  customerId: string,
  lines: OrderLine[] | Record<string, number>,
  {
    idempotencyKey = JSON.stringify(lines),
    branchId = null,
    ttlSeconds = 600,
    ...envelope
  }: Envelope & OrderFields & { ttlSeconds?: number } = {},
): CommandOf<'reservation.create'> {
  const kind = 'reservation.create';
  const id = commandIdFor({ idKey: specIdKey, kind, key: customerId, idempotencyKey });
  const body = { reservationId: id, customerId, branchId, lines: asLines(lines), ttlSeconds };
  return enveloped(kind, body, { id, ...envelope }) as CommandOf<typeof kind>;
}

export function confirm(
  customerId: string,
  reservationId: string,
  { idempotencyKey = reservationId, branchId = null, ...envelope }: Envelope & OrderFields = {},
): CommandOf<'reservation.confirm'> {
  const orderId = orderIdFor({ idKey: specIdKey, customerId, idempotencyKey });
  const body = { orderId, reservationId, customerId, branchId };
  return enveloped('reservation.confirm', body, { id: orderId, ...envelope }) as CommandOf<'reservation.confirm'>;
}

export function transfer(
  fields: { productId: string; from: string; to: string; quantity: number },
  { idempotencyKey = JSON.stringify(fields), ...envelope }: Envelope & { idempotencyKey?: string } = {},
): CommandOf<'transfer.send'> {
  const kind = 'transfer.send';
  const id = commandIdFor({ idKey: specIdKey, kind, key: fields.productId, idempotencyKey });
  return enveloped(kind, { transferId: id, ...fields }, { id, ...envelope }) as CommandOf<typeof kind>;
}

/** A command that makes something: the body gets its id, which depends on kind, key and `idempotencyKey` only. */
export function making<K extends MakingKind>(
  kind: K,
  fields: Partial<CommandBody<K>>,
  { idempotencyKey = JSON.stringify(fields), ...envelope }: Envelope & { idempotencyKey?: string } = {},
): CommandOf<K> {
  const key = (fields as Record<string, string>)[commandKinds[kind].key] as string;
  const id = commandIdFor({ idKey: specIdKey, kind, key, idempotencyKey });
  const body = { ...fields, [commandKinds[kind].makes]: id };
  return enveloped(kind, body, { id, ...envelope }) as CommandOf<K>;
}

/** A sale of a branch as its first till makes it. */
export function recordSale(
  place: { branchId: string; incarnation?: number; sequence: number },
  lines: OrderLine[] | Record<string, number>,
  { shiftId, ...options }: Envelope & { idempotencyKey?: string; shiftId?: string } = {},
): CommandOf<'sale.record'> {
  const sold = asLines(lines).map((line) => {
    return { ...line, name: line.productId, unitPriceCents: 100, taxBasisPoints: 1600 };
  });
  const totalCents = sold.reduce((sum, { quantity }) => sum + quantity * 100, 0);
  const fields = {
    incarnation: 1,
    ...place,
    till: '1',
    receiptNumber: `A-${place.branchId}-1-${place.incarnation ?? 1}-${place.sequence}`,
    shiftId: shiftId ?? shiftOf(place.branchId, 'first'),
    soldAt: new Date(NOON_MS).toISOString(),
    customerId: null,
    lines: sold,
    payment: { cashCents: totalCents, cardCents: 0, changeCents: 0, roundingCents: 0 },
    totalCents,
  };
  return making('sale.record', fields, options);
}

export function saleOf(branchId: string, idempotencyKey: string): string {
  return making('sale.record', { branchId }, { idempotencyKey }).id;
}

export function shiftOf(branchId: string, idempotencyKey: string): string {
  return making('shift.close', { branchId }, { idempotencyKey }).id;
}

export function closeShift(
  place: { branchId: string; incarnation?: number; sequence: number },
  options: Envelope & { idempotencyKey: string },
): CommandOf<'shift.close'> {
  const at = new Date(NOON_MS).toISOString();
  const money = { openingCents: 500, expectedCents: 900, countedCents: 890, totalCents: 400 };
  const fields = { incarnation: 1, ...place, till: '1', openedAt: at, closedAt: at, sales: 1, voids: 0, returns: 0 };
  return making('shift.close', { ...fields, ...money }, options);
}

function asLines(lines: OrderLine[] | Record<string, number>): OrderLine[] {
  if (Array.isArray(lines)) return lines;
  return Object.entries(lines).map(([productId, quantity]) => ({ productId, quantity }));
}

interface OrderFields {
  idempotencyKey?: string;
  branchId?: string | null;
}

function enveloped(kind: CommandKind, body: object, envelope: Envelope & { id: string }): object {
  return { stamp: stampAt(0), sentBy: 'spec', correlationId: 'spec', ...envelope, kind, body };
}

/** Commands as they arrive from a broker user: by default from the one that may send them. */
export function arrivedOf(commands: readonly Command[], sender?: string): (Arrived & { readable: true })[] {
  return commands.map((one) => ({ readable: true, command: one, sender: sender ?? senderOfKind(one) }));
}

function senderOfKind({ kind, replay }: Command): string {
  return kind === 'dead-letter.discard' || replay !== undefined ? 'dead-letter-admin' : 'central';
}
