import { randomUUID } from 'node:crypto';
import { nextStamp, type CommandOf, type Stamp } from '@eco/contracts';

let stamp: Stamp | undefined;

/** A new order. */
export function orderCommand(customerId = 'ana'): CommandOf<'order.place'> {
  stamp = nextStamp(stamp, Date.now(), 'broker-test');
  const id = randomUUID();
  return {
    id,
    stamp,
    sentBy: 'broker-test',
    correlationId: id,
    kind: 'order.place',
    body: { orderId: id, customerId, branchId: null, lines: [{ productId: 'cafe-premium', quantity: 2 }] },
  };
}

export function deleteProductCommand(productId = 'cafe-premium'): CommandOf<'product.delete'> {
  stamp = nextStamp(stamp, Date.now(), 'broker-test');
  const id = randomUUID();
  return { id, stamp, sentBy: 'broker-test', correlationId: id, kind: 'product.delete', body: { productId } };
}
