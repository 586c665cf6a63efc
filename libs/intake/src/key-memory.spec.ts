import fc from 'fast-check';
import { newOrderId, orderIdFor } from '@eco/routing';
import { KeyMemory } from './key-memory.js';

const request = (key: string, quantity: number) => {
  const id = orderIdFor({ origin: 'spec', customerId: 'ana', idempotencyKey: key });
  const lines = [{ productId: 'cafe', quantity }];
  return { id, kind: 'order.place' as const, body: { orderId: id, customerId: 'ana', branchId: null, lines } };
};

it('finds another content under one key, as a map without a bound would while that has room', () => {
  const max = 4;
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), quantity: fc.constantFrom(1, 2) })),
      (sent) => {
        const memory = new KeyMemory(max);
        let model: [key: string, quantity: number][] = [];
        for (const { key, quantity } of sent) {
          const known = model.find(([each]) => each === key);
          if (known === undefined) model = [...model, [key, quantity] as [string, number]].slice(-max);
          const expected = known === undefined ? 'new' : known[1] === quantity ? 'same' : 'conflict';
          expect(memory.claim(request(key, quantity))).toBe(expected);
        }
      },
    ),
  );
});

it('lets another content have a key whose request came to nothing', () => {
  const memory = new KeyMemory();
  const { id } = request('a', 1);
  memory.claim(request('a', 1));
  memory.forget(id);
  expect(memory.claim(request('a', 2))).toBe('new');
});

it('remembers nothing of requests without a key', () => {
  const memory = new KeyMemory(1);
  expect(memory.claim(request('a', 1))).toBe('new');
  const id = newOrderId({ customerId: 'ana', nowMs: Date.now(), random: new Uint8Array(10) });
  expect(memory.claim({ ...request('b', 1), id })).toBe('unkeyed');
  expect(memory.claim(request('a', 2))).toBe('conflict');
});
