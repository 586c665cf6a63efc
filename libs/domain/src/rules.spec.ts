import type { CommandKind } from '@eco/contracts';
import { done, refused, rejected, type Rules } from './rules.js';

type Decide<K extends CommandKind> = Rules<K>['decide'];

const level = { productId: 'tea', location: 'central', delta: 1, onHand: 1, reserved: 0, available: 1, sequence: 1 };
const order = { orderId: '1', customerId: 'ana', branchId: null, totalCents: 0 };
const short = { orderId: '1', status: 'rejected' as const, short: [], unknownProducts: [] };
const ofAna = { customerId: 'ana', branchId: null };

/** The compiler checks each entry: an `@ts-expect-error` over an entry that compiles is an error itself. */
function decisions(): unknown[] {
  const cancel: Decide<'order.cancel'>[] = [
    () => done({ orderId: '1', status: 'cancelled', lines: [] }),
    () =>
      done(
        { orderId: '1', status: 'cancelled', lines: [] },
        { type: 'order.cancelled', data: { ...order, status: 'cancelled', lines: [] } },
      ),
    // @ts-expect-error The result lacks `lines`.
    () => done({ orderId: '1', status: 'cancelled' }),
    // @ts-expect-error No result has this status.
    () => done({ orderId: '1', status: 'gone', lines: [] }),
    // @ts-expect-error The result has no `note`.
    () => done({ orderId: '1', status: 'cancelled', lines: [], note: '' }),
    // @ts-expect-error It is the result of another kind.
    () => done(level),
    () =>
      done(
        { orderId: '1', status: 'cancelled', lines: [] },
        // @ts-expect-error Another kind publishes this change.
        { type: 'order.fulfilled', data: { ...order, status: 'fulfilled', lines: [] } },
      ),
    () =>
      done(
        { orderId: '1', status: 'cancelled', lines: [] },
        // @ts-expect-error The change lacks `totalCents`.
        { type: 'order.cancelled', data: { orderId: '1', status: 'cancelled', lines: [], ...ofAna } },
      ),
    () => refused('order-unknown'),
    () => refused('order-not-open', { orderStatus: 'fulfilled' }),
    // @ts-expect-error The reason has details.
    () => refused('order-not-open'),
    // @ts-expect-error The reason has other details.
    () => refused('order-not-open', { orderStatus: 'sold' }),
    // @ts-expect-error It is a reason of other kinds.
    () => refused('cart-empty'),
    // @ts-expect-error Nothing has this reason.
    () => refused('too-late'),
    // @ts-expect-error This kind is not rejected.
    () => rejected(short, { type: 'order.rejected', data: { ...short, ...ofAna } }),
  ];
  const place: Decide<'order.place'>[] = [
    () => rejected(short, { type: 'order.rejected', data: { ...short, ...ofAna } }),
    // @ts-expect-error A rejected order is published as such.
    () => rejected(short, { type: 'order.confirmed', data: { ...short, ...ofAna } }),
    // @ts-expect-error A rejected order is not done.
    () => done(short),
  ];
  const receive: Decide<'stock.receive'>[] = [
    () => done(level),
    // @ts-expect-error Movements are published by the ledger, so this kind publishes nothing itself.
    () => done(level, { type: 'stock.changed', data: level }),
  ];
  const clear: Decide<'cart.clear'>[] = [
    () => done({ applied: true }, { type: 'cart.changed', data: { customerId: 'ana' } }),
    // @ts-expect-error This kind is never refused.
    () => refused('cart-full', { productsMax: 500 }),
  ];
  return [cancel, place, receive, clear];
}

it('Rules of a kind return only results of its descriptor', () => {
  expect(decisions).toBeInstanceOf(Function);
});

it('A refusal has its reason and the details', () => {
  expect(refused('order-not-open', { orderStatus: 'fulfilled' })).toEqual({
    type: 'decided',
    status: 'refused',
    result: { reason: 'order-not-open', orderStatus: 'fulfilled' },
    change: null,
  });
});
