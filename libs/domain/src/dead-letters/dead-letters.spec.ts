import { bodyHash } from '../body-hash.js';
import type { Arrived, Failure } from '../effects.js';
import { readCommands } from '../read-commands.js';
import { arrivedOf, command, placeOrder } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';
import type { DeadLetterRow } from './dead-letter.js';

/*
 * An operator's actions on dead letters. history.spec.ts compares them with the naive model.
 */

const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 890, stock: 10 });
const order = placeOrder('ana', { cafe: 1 });
const ADMIN = 'dead-letter-admin';
const refusal: Failure = {
  errorClass: 'database',
  failureSite: '23514 orders a_check',
  reason: 'the database will not',
};

function replayOf(number: number, hash = bodyHash(order)): Arrived {
  return { readable: true, command: { ...order, replay: { number, bodyHash: hash, by: 'ana' } }, sender: ADMIN };
}
function discardOf({ commandId, bodyHash }: DeadLetterRow): Arrived {
  const body = { commandId, bodyHash, reason: 'a test', by: 'bo' };
  return { readable: true, command: command('dead-letter.discard', body), sender: ADMIN };
}
function groupWithDeadLetter(): { group: MemoryGroup; letter: DeadLetterRow } {
  const group = new MemoryGroup();
  const [one] = arrivedOf([order]) as [Arrived];
  group.write([...arrivedOf([cafe]), one], new Map([[one, refusal]]));
  return { group, letter: [...group.stored.deadLetters.values()][0] as DeadLetterRow };
}

describe('a replay', () => {
  it('is decided as if it arrived now; its dead letter is closed, and every sending gets its outcome', () => {
    const { group } = groupWithDeadLetter();
    const { replies, orders, deadLetterActions } = group.write([replayOf(1)]);
    expect(replies).toMatchObject([{ type: 'outcome', status: 'done', repeated: false }]);
    expect(orders).toHaveLength(1);
    expect(group.letters()).toMatchObject([{ state: 'replayed', lastNumber: 1 }]);
    expect(deadLetterActions).toMatchObject([{ number: 1, action: 'replay', by: 'ana', result: 'done', reason: null }]);
    expect(group.write([replayOf(1), replayOf(2), ...arrivedOf([order])]).replies).toMatchObject(
      [1, 2, 3].map(() => ({ type: 'outcome', repeated: true })),
    );
  });

  it('that fails again keeps the dead letter open with the new reason; its number is not tried again', () => {
    const { group } = groupWithDeadLetter();
    const one = replayOf(1);
    const again = { errorClass: 'rule', failureSite: 'TypeError in decide', reason: 'a bug' } as const;
    expect(group.write([one], new Map([[one, again]])).replies).toMatchObject([{ reason: 'a bug' }]);
    expect(group.letters()).toMatchObject([{ ...again, state: 'open', tries: 2, lastNumber: 1 }]);
    const { replies, orders } = group.write([one, ...arrivedOf([order])]);
    expect(replies).toMatchObject([{ reason: 'a bug' }, { reason: 'a bug' }]);
    expect(orders).toEqual([]);
  });

  it('expires if it is past its notAfter', () => {
    const { group } = groupWithDeadLetter();
    const { command: one } = replayOf(1) as Arrived & { readable: true };
    const { replies } = group.write([
      { readable: true, command: { ...one, notAfter: '2026-11-24T11:00:00.000Z' }, sender: ADMIN },
    ]);
    expect(replies).toMatchObject([{ status: 'expired' }]);
    expect(group.letters()).toMatchObject([{ state: 'replayed' }]);
  });

  it('carries out content that an earlier version could not read, under the same id', () => {
    const group = new MemoryGroup();
    // As an earlier version would have stored it: under the hash of its content.
    const [seen] = readCommands({ version: 1, commands: [{ ...order, stamp: 'later known' }] }, 'central') as [
      Arrived & { readable: false },
    ];
    group.write([...arrivedOf([cafe]), seen]);
    const replay = { number: 1, bodyHash: seen.bodyHash, by: 'ana' };
    const [still] = readCommands({ version: 1, commands: [{ ...order, stamp: 'later known', replay }] }, ADMIN) as [
      Arrived,
    ];
    expect(still).toMatchObject({ readable: false, commandId: order.id, bodyHash: seen.bodyHash, replay });
    group.write([still]);
    expect(group.letters()).toMatchObject([{ state: 'open', tries: 2, lastNumber: 1 }]);
    const { replies } = group.write([replayOf(2, seen.bodyHash)]);
    expect(replies).toMatchObject([{ type: 'outcome', status: 'done' }]);
    expect(group.letters()).toMatchObject([{ state: 'replayed', lastNumber: 2 }]);
  });

  it('with another body than its hash states is no command', () => {
    const replay = { number: 1, bodyHash: 'ab'.repeat(32), by: 'ana' };
    const [one] = readCommands({ version: 1, commands: [{ ...order, replay }] }, 'central') as [Arrived];
    expect(one).toMatchObject({ readable: false, reason: expect.stringContaining('/replay/bodyHash') as string });
    const right = { ...replay, bodyHash: bodyHash(order) };
    expect(readCommands({ version: 1, commands: [{ ...order, replay: right }] }, 'central')).toMatchObject([
      { readable: true },
    ]);
  });
});

describe('a key conflict', () => {
  const other = placeOrder('ana', { cafe: 2 }, { idempotencyKey: JSON.stringify({ cafe: 1 }) });
  const ofOther = (number: number): Arrived => ({
    readable: true,
    command: { ...other, replay: { number, bodyHash: bodyHash(other), by: 'ana' } },
    sender: ADMIN,
  });

  it('is kept with its body, can be discarded but never carried out, and does not change the first outcome', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([cafe, order, other]));
    const [letter] = [...group.stored.deadLetters.values()] as [DeadLetterRow];
    expect(letter).toMatchObject({ commandId: order.id, errorClass: 'key-conflict', command: other });
    expect(group.write([ofOther(1)])).toMatchObject({ replies: [{ type: 'key-conflict' }], orders: [] });
    expect(group.letters()).toMatchObject([{ state: 'open', tries: 2, lastNumber: 1 }]);
    group.write([discardOf(letter)]);
    const { replies, deadLetters } = group.write(arrivedOf([order, other]));
    expect(replies).toMatchObject([{ type: 'outcome', status: 'done', repeated: true }, { type: 'key-conflict' }]);
    expect([deadLetters, group.letters()]).toMatchObject([[], [{ state: 'discarded' }]]);
    expect(group.stored.orders.size).toBe(1);
  });

  it('is the error class of a dead letter whose id another body used before the replay', () => {
    const { group } = groupWithDeadLetter();
    group.write(arrivedOf([other]));
    expect(group.write([replayOf(1)]).replies).toEqual([{ type: 'key-conflict', commandId: order.id }]);
    expect(group.letters()).toMatchObject([{ errorClass: 'key-conflict', state: 'open', tries: 2, lastNumber: 1 }]);
  });
});

describe('a discard', () => {
  it('stores the outcome discarded, which every later sending gets', () => {
    const { group, letter } = groupWithDeadLetter();
    const { replies, deadLetterActions } = group.write([discardOf(letter)]);
    expect(replies).toMatchObject([{ type: 'outcome', status: 'done', result: { discarded: true } }]);
    expect(group.stored.outcomes.get(order.id)).toMatchObject({
      kind: 'order.place',
      status: 'discarded',
      topic: null,
    });
    expect(deadLetterActions).toMatchObject([{ number: 1, action: 'discard', by: 'bo', reason: 'a test' }]);
    expect(group.write([...arrivedOf([order]), replayOf(9)]).replies).toMatchObject([
      { type: 'outcome', status: 'discarded' },
      { type: 'outcome', status: 'discarded' },
    ]);
    expect(group.stored.orders.size).toBe(0);
  });

  it('closes an unreadable dead letter once', () => {
    const group = new MemoryGroup();
    const junk = readCommands(Buffer.from('no JSON'), 'central');
    group.write(junk);
    const [letter] = [...group.stored.deadLetters.values()] as [DeadLetterRow];
    group.write([discardOf(letter)]);
    expect(group.write(junk).replies).toMatchObject([{ type: 'outcome', status: 'discarded', repeated: true }]);
    expect(group.letters()).toMatchObject([{ state: 'discarded', errorClass: 'unreadable', failureSite: 'JSON' }]);
  });

  it('closes the dead letter without changing another command’s outcome under its id', () => {
    const group = new MemoryGroup();
    const junk = readCommands({ version: 1, commands: [{ ...order, stamp: '' }] }, 'central');
    group.write([...junk, ...arrivedOf([cafe, order])]);
    const [letter] = [...group.stored.deadLetters.values()] as [DeadLetterRow];
    group.write([discardOf(letter)]);
    expect(group.stored.outcomes.get(order.id)).toMatchObject({ status: 'done' });
    expect(group.write(junk).replies).toMatchObject([{ type: 'dead-letter' }]);
    expect(group.letters()).toMatchObject([{ state: 'discarded', failureSite: 'order.place /stamp' }]);
  });

  it('of a missing or closed dead letter is refused with a reason', () => {
    const { group, letter } = groupWithDeadLetter();
    group.write([replayOf(1)]);
    expect(group.write([discardOf(letter)]).replies).toMatchObject([{ result: { discarded: false } }]);
    expect(group.write([discardOf({ ...letter, bodyHash: 'ab'.repeat(32) })]).replies).toMatchObject([
      { result: { discarded: false } },
    ]);
    expect(group.letters()).toMatchObject([{ state: 'replayed', lastNumber: 1 }]);
  });
});
