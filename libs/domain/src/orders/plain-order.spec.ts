import fc from 'fast-check';
import { commandSchema } from '@eco/contracts';
import { placeOrder } from '../test/commands.js';
import { isPlainOrder } from './plain-order.js';

/*
 * Goal: the short cut accepts only orders that the schema accepts unchanged. Method: orders with every field at and
 * beyond its limits, with a few fields spoiled or misspelled at a time.
 */

const slugs = ['cafe', 'Z', '7', 'a'.repeat(64), 'a'.repeat(65), '.a', '', 'ñ', 'a\n', 'a b', null, 1];
const uuids = [
  '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
  '0198C5B2-7a31-7c4e-9d20-5f1c2b3a4d5e',
  '00000000-0000-0000-0000-000000000000',
  '0198c5b27a317c4e9d205f1c2b3a4d5e',
  '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e\n',
  null,
];
const texts = [
  'x',
  '🛒'.repeat(64),
  '🛒'.repeat(65),
  'x'.repeat(128),
  'x'.repeat(129),
  '',
  'a\0b',
  '\uD800',
  'a\u0085',
  ' ',
  7,
];
const names = ['x', 'x'.repeat(128), ...texts, 'a\n', 'ñ'];
const stamps = [
  '001795521600000-00000-central-api-1',
  '001795521600000-00000-',
  '1795521600000-00000-a',
  '001795521600000-00000-a\n',
  0,
];
const quantities = [1, 2, 10_000, 10_001, 0, -1, 1.5, -0, NaN, Infinity, '1', null, true];

/** Draws good values far more often than others, so that most violations occur alone. */
const oneOf = (values: readonly unknown[], good: number) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...values.slice(0, good)) },
    { weight: 1, arbitrary: fc.constantFrom(...values, undefined) },
  );
const withExtra = <T extends object>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 40, arbitrary },
    { weight: 1, arbitrary: arbitrary.map((value) => ({ ...value, more: 1 })) },
    {
      weight: 1,
      arbitrary: arbitrary.map((value) => JSON.parse(`{"__proto__":1,${JSON.stringify(value).slice(1)}`) as T),
    },
    { weight: 1, arbitrary: fc.constantFrom(null, [], 'x', {}) },
  );

const line = withExtra(fc.record({ productId: oneOf(slugs, 4), quantity: oneOf(quantities, 3) }));
const body = withExtra(
  fc.record({
    orderId: oneOf(uuids, 1),
    customerId: oneOf(texts, 2),
    branchId: oneOf([null, ...slugs], 5),
    lines: fc.oneof(
      { weight: 20, arbitrary: fc.array(line, { maxLength: 4 }) },
      { weight: 1, arbitrary: fc.constantFrom(undefined, {}, 'x') },
      {
        weight: 2,
        arbitrary: fc.nat(220).map((length) => Array.from({ length }, (_, i) => ({ productId: `p${i}`, quantity: 1 }))),
      },
    ),
  }),
);
const fields = {
  id: oneOf(uuids, 1),
  stamp: oneOf(stamps, 1),
  sentBy: oneOf(names, 2),
  correlationId: oneOf(names, 2),
  kind: oneOf(['order.place', 'cart.checkout', 'cart.edit', 'order'], 1),
  body,
};
const envelope = withExtra(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ ...fields, reply: oneOf([true, false, 'yes', null], 2) }) },
    { weight: 3, arbitrary: fc.record(fields) },
    { weight: 1, arbitrary: fc.record({ ...fields, notAfter: oneOf(['2026-11-24T12:00:00Z', 'soon'], 1) }) },
  ),
);

describe('isPlainOrder', () => {
  it('accepts only orders that the schema accepts unchanged', () => {
    let taken = 0;
    fc.assert(
      fc.property(envelope, (raw) => {
        if (!isPlainOrder(raw)) return;
        taken += 1;
        expect(commandSchema.safeParse(raw)).toEqual({ success: true, data: raw });
      }),
      { numRuns: 5000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  it('accepts the orders that the services send', () => {
    const order = placeOrder('Ñandú 🛒', { cafe: 1, 'te-verde': 10_000 }, { branchId: 'sucursal-1' });
    expect(isPlainOrder(order)).toBe(true);
    expect(isPlainOrder({ ...order, reply: true })).toBe(true);
  });
});
