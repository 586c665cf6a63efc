import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { newOrderId, orderIdFor } from '@eco/routing';
import { KeyMemory } from './key-memory.js';

const request = (key: string, quantity: number) => {
  const id = orderIdFor({ idKey: createSecretKey(Buffer.alloc(16)), customerId: 'ana', idempotencyKey: key });
  const lines = [{ productId: 'cafe', quantity }];
  return { id, kind: 'order.place' as const, body: { orderId: id, customerId: 'ana', branchId: null, lines } };
};

it('detects other content under one of the last keys, and forgets keys beyond its limit', () => {
  const max = 4;
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.constantFrom(...'abcdefgh'), quantity: fc.constantFrom(1, 2) })),
      (sent) => {
        const memory = new KeyMemory(max);
        const claimed: { key: string; quantity: number }[] = [];
        for (const { key, quantity } of sent) {
          const claim = memory.claim(request(key, quantity));
          const place = claimed.findLastIndex((each) => each.key === key);
          const known = claimed[place];
          const newer = claimed.length - 1 - place;
          const exact = known?.quantity === quantity ? 'same' : 'conflict';
          if (known === undefined || newer >= max) expect(claim).toBe('new');
          else if (newer < max / 2) expect(claim).toBe(exact);
          else expect(['new', exact]).toContain(claim);
          if (claim === 'new') claimed.push({ key, quantity });
        }
      },
    ),
  );
});

it('allows other content under a key whose request was not accepted', () => {
  const memory = new KeyMemory();
  const { id } = request('a', 1);
  memory.claim(request('a', 1));
  memory.forget(id);
  expect(memory.claim(request('a', 2))).toBe('new');
});

it('remembers nothing of requests without a key', () => {
  const memory = new KeyMemory(2);
  expect(memory.claim(request('a', 1))).toBe('new');
  const id = newOrderId({ customerId: 'ana', nowMs: Date.now(), random: new Uint8Array(10) });
  expect(memory.claim({ ...request('b', 1), id })).toBe('unkeyed');
  expect(memory.claim(request('a', 2))).toBe('conflict');
});
