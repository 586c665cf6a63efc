import { createSecretKey } from 'node:crypto';
import { newOrderId, orderIdFor } from '@eco/routing';
import { lagText, ordersCarried, problemOf } from './read-answer.js';

describe('the lag of an answer', () => {
  it('is the greatest lag of its parts', () => {
    expect([lagText(), lagText(0), lagText(3, 20)]).toEqual(['0', '0', '20']);
  });

  it('is unknown if that of one part is', () => {
    expect([lagText(undefined), lagText(5, undefined)]).toEqual(['unknown', 'unknown']);
  });
});

describe('orders of a position beyond the limit', () => {
  const random = Buffer.alloc(10);
  const madeAt = (nowMs: number) => newOrderId({ customerId: 'ana', nowMs, random });
  const idKey = createSecretKey(Buffer.alloc(16));
  const fromKey = (key: number) => orderIdFor({ idKey, customerId: 'ana', idempotencyKey: `key-${key}` });

  it('drops the oldest orders, as far as ids have an age', () => {
    const made = Array.from({ length: 60 }, (_, n) => madeAt(1_000_000 + n));
    const keyed = Array.from({ length: 10 }, (_, n) => fromKey(n));
    const carried = ordersCarried([...keyed, ...made].sort());
    expect(carried).toHaveLength(64);
    expect(carried).toEqual(expect.arrayContaining([...keyed, ...made.slice(6)]));
    expect(ordersCarried(made)).toEqual(made);
  });
});

it('reports a value that every node refuses as bad input', () => {
  expect(problemOf({ type: 'bad-value', reason: 'as asked' })).toMatchObject({ status: 400, problem: 'bad-input' });
});
