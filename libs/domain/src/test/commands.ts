import {
  keyOf,
  type Command,
  type CommandBody,
  type CommandKind,
  type CommandOf,
  type OrderLine,
} from '@eco/contracts';
import { commandIdFor, orderIdFor } from '@eco/routing';
import type { Arrived } from '../effects.js';

/** 2026-11-24, noon: when specs happen. */
export const NOON_MS = Date.UTC(2026, 10, 24, 12);

/** The stamp of a command made so long after noon. */
export function stampAt(afterMs: number, sender = 'spec'): string {
  return `${String(NOON_MS + afterMs).padStart(15, '0')}-00000-${sender}`;
}

type Envelope = Partial<Pick<Command, 'id' | 'stamp' | 'notAfter' | 'sentBy'>>;

/** A command; its id is made of its kind, key and `idempotencyKey`, so the same again is a repeat or a conflict. */
export function command<K extends Exclude<CommandKind, 'order.place' | 'cart.checkout'>>(
  kind: K,
  body: CommandBody<K>,
  { idempotencyKey = JSON.stringify(body), ...envelope }: Envelope & { idempotencyKey?: string } = {},
): CommandOf<K> {
  const key = keyOf({ kind, body });
  const id = commandIdFor({ origin: 'spec', kind, key, idempotencyKey });
  return enveloped(kind, body, { id, ...envelope }) as CommandOf<K>;
}

export function placeOrder(
  customerId: string,
  lines: OrderLine[] | Record<string, number>,
  { idempotencyKey = JSON.stringify(lines), branchId = null, ...envelope }: Envelope & OrderFields = {},
): CommandOf<'order.place'> {
  const orderId = orderIdFor({ origin: 'spec', customerId, idempotencyKey });
  const asked = Array.isArray(lines)
    ? lines
    : Object.entries(lines).map(([productId, quantity]) => ({ productId, quantity }));
  const body = { orderId, customerId, branchId, lines: asked };
  return enveloped('order.place', body, { id: orderId, ...envelope }) as CommandOf<'order.place'>;
}

export function checkOut(
  customerId: string,
  { idempotencyKey = 'checkout', branchId = null, ...envelope }: Envelope & OrderFields = {},
): CommandOf<'cart.checkout'> {
  const orderId = orderIdFor({ origin: 'spec', customerId, idempotencyKey });
  return enveloped(
    'cart.checkout',
    { orderId, customerId, branchId },
    { id: orderId, ...envelope },
  ) as CommandOf<'cart.checkout'>;
}

interface OrderFields {
  idempotencyKey?: string;
  branchId?: string | null;
}

function enveloped(kind: CommandKind, body: object, envelope: Envelope & { id: string }): object {
  return { stamp: stampAt(0), sentBy: 'spec', correlationId: 'spec', ...envelope, kind, body };
}

export function arrivedOf(commands: readonly Command[]): Arrived[] {
  return commands.map((one) => ({ readable: true, command: one }));
}
