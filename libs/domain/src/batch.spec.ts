import { COMMAND_DAYS_MAX, keyOf, type Command } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { decideBatch } from './batch.js';
import { bodyHash } from './body-hash.js';
import type { Arrived, Failure } from './effects.js';
import { neededKeys } from './needed-keys.js';
import { readCommands } from './read-commands.js';
import type { DeadLetter } from './dead-letters/dead-letter.js';
import { arrivedOf, command, NOON_MS, placeOrder, stampAt } from './test/commands.js';
import { BUCKETS, MemoryGroup } from './test/memory-group.js';

const AT = '2026-11-24T12:00:00.000Z';
const cafe = command('product.create', { productId: 'cafe', name: 'Café Premium', priceCents: 890, stock: 10 });
const late = { notAfter: '2026-11-24T11:59:59.999Z' };

function allBut(key: string): Set<number> {
  const others = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter(
    (bucket) => bucket !== bucketOf(key, BUCKETS),
  );
  return new Set(others);
}

/** An open dead letter after one try. */
function letterOf(one: Command, reason: string): DeadLetter {
  const { id: commandId, kind } = one;
  const of = { commandId, bodyHash: bodyHash(one), kind, bucket: bucketOf(keyOf(one), BUCKETS) };
  return {
    ...of,
    state: 'open',
    errorClass: 'database',
    failureSite: '22003',
    reason,
    sender: 'central',
    actor: null,
    tries: 1,
    lastNumber: 0,
  };
}

/** Decides without storing. */
function decided(group: MemoryGroup, arrived: readonly Arrived[]) {
  return decideBatch(group.load(neededKeys(arrived)), arrived);
}

describe('decideBatch', () => {
  it('1. dead-letters a command whose bucket this group does not own, even if it has an outcome here', () => {
    const order = placeOrder('ana', { cafe: 1 });
    const group = new MemoryGroup(AT, allBut('ana'));
    const { replies, deadLetters, outcomes } = group.write(arrivedOf([order, order]));
    const bucket = bucketOf('ana', BUCKETS);
    expect(outcomes).toEqual([]);
    expect(deadLetters).toEqual([
      {
        commandId: order.id,
        bodyHash: bodyHash(order),
        kind: 'order.place',
        bucket,
        failureSite: `bucket ${bucket}`,
        reason: `this group does not own bucket ${bucket}`,
        errorClass: 'not-owned',
        sender: 'central',
        actor: null,
        sentBy: 'spec',
        command: order,
      },
    ]);
    expect(replies).toMatchObject([{ type: 'dead-letter' }, { type: 'dead-letter' }]);
    expect(replies[1]).toEqual(replies[0]);
  });

  it('2. repeats the first reply to the same body, from this batch or an earlier one, even past notAfter', () => {
    const group = new MemoryGroup(AT);
    const order = placeOrder('ana', { cafe: 3 });
    const first = group.write(arrivedOf([cafe, order, { ...order, stamp: cafe.stamp, ...late }]));
    expect(first.replies[1]).toMatchObject({ type: 'outcome', commandId: order.id, status: 'done', repeated: false });
    expect(first.replies[2]).toEqual({ ...first.replies[1], repeated: true });
    expect(group.write(arrivedOf([order])).replies).toEqual([first.replies[2]]);
    expect(group.stored.levels.get('cafe\ncentral')).toMatchObject({ reserved: 3 });
  });

  it('2. replies with a key conflict to another body under the same id, and keeps that body once', () => {
    const group = new MemoryGroup(AT);
    const order = placeOrder('ana', { cafe: 3 }, { idempotencyKey: 'k' });
    const other = placeOrder('ana', { cafe: 4 }, { idempotencyKey: 'k' });
    const { replies, outcomes, deadLetters } = group.write(arrivedOf([cafe, order, other]));
    expect(replies[2]).toEqual({ type: 'key-conflict', commandId: order.id });
    expect(outcomes.map(({ commandId }) => commandId)).toEqual([cafe.id, order.id]);
    expect(deadLetters).toMatchObject([
      { commandId: order.id, errorClass: 'key-conflict', failureSite: 'order.place', sentBy: 'spec', command: other },
    ]);
    expect(decided(group, arrivedOf([other, order]))).toMatchObject({
      replies: [replies[2], { type: 'outcome', repeated: true }],
      outcomes: [],
      deadLetters: [],
      deadLetterUpdates: [],
    });
  });

  it('2. keeps no body of a key conflict whose sender gets the reply within its request', () => {
    const group = new MemoryGroup(AT);
    const order = placeOrder('ana', { cafe: 3 }, { idempotencyKey: 'k' });
    const other = { ...placeOrder('ana', { cafe: 4 }, { idempotencyKey: 'k' }), notAfter: AT };
    const { replies, deadLetters } = group.write(arrivedOf([cafe, order, other]));
    expect(replies[2]).toEqual({ type: 'key-conflict', commandId: order.id });
    expect(deadLetters).toEqual([]);
  });

  it('3. replies with the reason of an open dead letter of the same id and body, and writes nothing', () => {
    const group = new MemoryGroup(AT);
    const order = placeOrder('ana', { cafe: 3 }, { idempotencyKey: 'k' });
    const keys = neededKeys(arrivedOf([order]));
    const state = {
      ...group.load(keys),
      deadLetters: new Map([[order.id, [letterOf(order, 'bad')]]]),
    };
    const { replies, ...rows } = decideBatch(state, arrivedOf([{ ...order, ...late }]));
    expect(replies).toEqual([{ type: 'dead-letter', commandId: order.id, reason: 'bad' }]);
    expect(Object.values(rows).flat()).toEqual([]);

    const other = placeOrder('ana', { cafe: 4 }, { idempotencyKey: 'k' });
    expect(decideBatch(state, arrivedOf([other])).outcomes).toMatchObject([{ status: 'refused' }]);
  });

  it.each([
    { notAfter: '2026-11-24T11:59:59.999Z', status: 'expired' },
    { notAfter: '2026-11-24T12:00:00.000Z', status: 'done' },
    { notAfter: '2026-11-24T12:00Z', status: 'done' },
    { notAfter: '2026-11-24T12:00:00.0001Z', status: 'done' },
    { notAfter: undefined, status: 'done' },
  ])('4. gives the status $status at noon to a command with notAfter $notAfter', ({ notAfter, status }) => {
    const group = new MemoryGroup(AT);
    const { replies, outcomes } = group.write(arrivedOf([{ ...cafe, notAfter }]));
    expect(replies).toMatchObject([{ type: 'outcome', status }]);
    expect(outcomes).toMatchObject([{ status, topic: status === 'done' ? 'products' : null }]);
    if (status === 'expired') {
      expect(outcomes).toMatchObject([{ result: {}, n: 0, changeType: null, changeData: null }]);
      expect(group.stored.products.size + group.stored.movements.size).toBe(0);
    }
  });

  it('4. expires commands older than 90 days: a cancelled order does not return after its tombstone is gone', () => {
    const dayMs = 86_400_000;
    const group = new MemoryGroup(new Date(NOON_MS + COMMAND_DAYS_MAX * dayMs).toISOString());
    const [onTime, late] = [0, -1].map((afterMs) => ({
      ...placeOrder(`ana ${afterMs}`, { cafe: 1 }),
      stamp: stampAt(afterMs),
    }));
    const onSale = { ...cafe, stamp: stampAt(COMMAND_DAYS_MAX * dayMs) };
    const { replies, orders } = group.write(arrivedOf([onSale, onTime, late] as Command[]));
    expect(replies.slice(1)).toMatchObject([{ status: 'done' }, { status: 'expired' }]);
    expect(orders).toHaveLength(1);
  });

  it('5. decides in arrival order: a large demand that does not fit does not block a smaller one that does', () => {
    const orders = [4, 7, 5, 2, 1].map((quantity, index) => placeOrder(`customer-${index}`, { cafe: quantity }));
    const { replies, levels, movements } = new MemoryGroup(AT).write(arrivedOf([cafe, ...orders]));
    expect(replies.map((reply) => reply.type === 'outcome' && reply.status)).toEqual([
      'done',
      'done',
      'refused',
      'done',
      'refused',
      'done',
    ]);
    expect(levels).toEqual([
      {
        productId: 'cafe',
        location: 'central',
        onHand: 10,
        reserved: 10,
        sequence: 4,
        bucket: bucketOf('cafe', BUCKETS),
      },
    ]);
    expect(movements.map(({ sequence, reserved }) => [sequence, reserved])).toEqual([
      [1, 0],
      [2, 4],
      [3, 9],
      [4, 10],
    ]);
  });

  it('dead-letters an unreadable command once and does not affect its neighbours', () => {
    const group = new MemoryGroup(AT);
    const bad = { ...cafe, stamp: 'yesterday' };
    const arrived = readCommands({ version: 1, commands: [bad, cafe, 7, bad] }, 'central');
    const { replies, deadLetters, outcomes } = group.write(arrived);
    expect(replies.map(({ type }) => type)).toEqual(['dead-letter', 'outcome', 'dead-letter', 'dead-letter']);
    expect(deadLetters).toMatchObject([
      { commandId: cafe.id, bucket: null, errorClass: 'invalid', sentBy: 'spec', command: bad },
      { bucket: null, errorClass: 'invalid', sentBy: null, command: 7 },
    ]);
    expect(outcomes).toMatchObject([{ commandId: cafe.id, status: 'done' }]);
    expect(decided(group, arrived)).toMatchObject({ deadLetters: [], outcomes: [] });
  });

  it('lets an operator discard unreadable content', () => {
    const [bad] = readCommands({ version: 1, commands: [7] }, 'central') as [Arrived & { readable: false }];
    const { commandId, bodyHash } = bad;
    const discarded = { bodyHash, status: 'discarded', result: {}, decidedAs: null } as const;
    const state = { ...new MemoryGroup(AT).load(neededKeys([bad])), outcomes: new Map([[commandId, discarded]]) };
    const { replies, deadLetters } = decideBatch(state, [bad]);
    expect(replies).toEqual([{ type: 'outcome', commandId, status: 'discarded', repeated: true, result: {} }]);
    expect(deadLetters).toEqual([]);
  });

  it('stores reason and sender in a form that fits a text column', () => {
    const group = new MemoryGroup(AT);
    const bad = {
      ...cafe,
      sentBy: 'a\0b',
      'x\0\uD800': JSON.parse(`${'['.repeat(17)}${']'.repeat(17)}`) as unknown,
      stamp: '',
    };
    const { deadLetters } = group.write(readCommands({ version: 1, commands: [bad] }, 'central'));
    expect(deadLetters[0]?.sentBy).toBe('a\\u0000b');
    expect(deadLetters[0]?.reason).toContain('x\\u0000\\ud800');
  });
});

function failure(reason: string): Failure {
  return { errorClass: 'database', failureSite: '22003', reason };
}

describe('a command that cannot be processed', () => {
  const order = placeOrder('ana', { cafe: 1 });
  const [arrived] = arrivedOf([order]) as [Arrived];

  it('becomes a dead letter with the database’s reason if it was not settled', () => {
    const state = new MemoryGroup(AT).load(neededKeys([arrived]));
    const { deadLetters, replies, outcomes } = decideBatch(
      state,
      [arrived],
      new Map([[arrived, failure('value out of range')]]),
    );
    expect(deadLetters).toMatchObject([{ commandId: order.id, errorClass: 'database', reason: 'value out of range' }]);
    expect(replies).toEqual([{ type: 'dead-letter', commandId: order.id, reason: 'value out of range' }]);
    expect(outcomes).toEqual([]);
  });

  it('changes no outcome', () => {
    const group = new MemoryGroup(AT);
    group.write([arrived]);
    const { deadLetters, replies } = decideBatch(
      group.load(neededKeys([arrived])),
      [arrived],
      new Map([[arrived, failure('value out of range')]]),
    );
    expect(deadLetters).toEqual([]);
    expect(replies).toMatchObject([{ type: 'outcome', repeated: true }]);
  });

  it('does not affect the other commands of its batch', () => {
    const group = new MemoryGroup(AT);
    const batch = [...arrivedOf([cafe]), arrived, ...arrivedOf([placeOrder('bo', { cafe: 10 }), order])];
    const effects = decideBatch(group.load(neededKeys(batch)), batch, new Map([[arrived, failure('bad')]]));
    expect(effects.replies).toMatchObject([
      { status: 'done' },
      { type: 'dead-letter', reason: 'bad' },
      { status: 'done' },
      { type: 'dead-letter', reason: 'bad' },
    ]);
    expect(effects.deadLetters).toHaveLength(1);
  });
});
