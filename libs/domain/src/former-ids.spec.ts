import fc from 'fast-check';
import { keyOf, underId, type Command } from '@eco/contracts';
import { ownCommandId } from '@eco/routing';
import { bodyHash } from './body-hash.js';
import { readCommands } from './read-commands.js';
import { arrivedOf, command, confirm, placeOrder, reserve } from './test/commands.js';
import { MemoryGroup } from './test/memory-group.js';

/*
 * Goal: a request has one effect, although its ids change when the id keys are rotated. A request has the same outcome
 * under each of its ids, in whatever order its messages arrive.
 */

const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 100, stock: 100 });
const order = placeOrder('ana', { cafe: 2 });
const held = reserve('ana', { cafe: 3 });
const receipt = command('stock.receive', { productId: 'cafe', location: 'central', quantity: 5 });

/** The same request under the next id key of its account. */
function rotated(one: Command): Command {
  const id = ownCommandId({ origin: 'next id key', kind: '', key: keyOf(one), content: one.id });
  return { ...underId(one, id), formerIds: [one.id, ...(one.formerIds ?? [])] };
}

function stocked(...others: Command[]): MemoryGroup {
  const group = new MemoryGroup();
  group.write(arrivedOf([cafe, ...others]));
  return group;
}
const levelOf = (group: MemoryGroup) => group.stored.levels.get('cafe\ncentral');

describe('a request under several ids', () => {
  it.each([
    ['order.place', order, { onHand: 100, reserved: 2 }],
    ['reservation.create', held, { onHand: 100, reserved: 3 }],
    ['reservation.confirm', confirm('ana', held.id), { onHand: 100, reserved: 3 }],
    ['stock.receive', receipt, { onHand: 105, reserved: 0 }],
  ])('has one effect and one outcome, whichever message arrives first: %s', (kind, one: Command, level) => {
    const sendings = [one, rotated(one), rotated(rotated(one))];
    const arrivals = fc.array(fc.constantFrom(...sendings), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(arrivals, fc.nat(6), (sent, cut) => {
        const group = kind === 'reservation.confirm' ? stocked(held) : stocked();
        const batches = [sent.slice(0, cut), sent.slice(cut)].map((each) => group.write(arrivedOf(each)));
        const replies = batches.flatMap((each) => each.replies);
        const [first] = replies;
        if (first?.type !== 'outcome') throw new Error(first?.type);
        for (const [index, reply] of replies.entries()) {
          const { status, result } = first;
          expect(reply).toEqual({
            ...{ type: 'outcome', commandId: sent[index]?.id, status, result },
            repeated: index > 0,
          });
        }
        expect(batches.flatMap((each) => each.outcomes).filter(({ decidedAs }) => decidedAs === null)).toHaveLength(1);
        expect(levelOf(group)).toMatchObject(level);
        // Every id that an arrived message names has the outcome, and names the id of the decision.
        const named = new Set(sent.flatMap(({ id, formerIds = [] }) => [id, ...formerIds]));
        for (const id of named) {
          const decidedAs = id === sent[0]?.id ? null : sent[0]?.id;
          expect(group.stored.outcomes.get(id)).toMatchObject({ status: 'done', decidedAs });
        }
      }),
    );
  });

  it('publishes one change, and its copies publish none', () => {
    const { outcomes } = stocked().write(arrivedOf([rotated(order), order]));
    expect(outcomes.map(({ commandId, topic, n }) => [commandId, topic, n])).toEqual([
      [rotated(order).id, 'orders', 1],
      [order.id, null, 0],
    ]);
  });

  it('is refused if another request was decided first under a former id', () => {
    const group = stocked(order);
    const other = rotated({
      ...order,
      body: { ...order.body, lines: [{ productId: 'cafe', quantity: 1 }] },
    });
    for (let times = 0; times < 2; times += 1) {
      expect(group.write(arrivedOf([other])).replies).toEqual([{ type: 'key-conflict', commandId: other.id }]);
    }
    expect(group.letters()).toMatchObject([{ commandId: other.id, errorClass: 'key-conflict', tries: 1 }]);
    expect(levelOf(group)).toMatchObject({ reserved: 2 });
  });

  it('is refused if it was cancelled under a former id before it arrived', () => {
    const group = stocked(command('order.cancel', { orderId: order.id, customerId: 'ana' }));
    const { replies } = group.write(arrivedOf([rotated(order), order]));
    expect(replies).toMatchObject([
      { status: 'refused', result: { reason: 'order-cancelled' }, repeated: false },
      { status: 'refused', result: { reason: 'order-cancelled' }, repeated: true },
    ]);
  });

  it('waits as a dead letter while one under a former id is open, and has one effect when both are replayed', () => {
    const group = stocked();
    const [first, second] = [order, rotated(order)];
    const [arrived] = arrivedOf([first]);
    const failure = { errorClass: 'rule', failureSite: 'order.place', reason: 'a bug' } as const;
    if (arrived === undefined) throw new Error('nothing arrived');
    group.write([arrived], new Map([[arrived, failure]]));
    const waits = group.write(arrivedOf([second]));
    expect(waits.replies).toEqual([{ type: 'dead-letter', commandId: second.id, reason: 'a bug' }]);
    const replay = (one: Command, number: number) =>
      group.write(arrivedOf([{ ...one, replay: { number, bodyHash: bodyHash(one), by: 'op' } }])).replies;
    expect(replay(second, 1)).toMatchObject([{ type: 'dead-letter' }]);
    expect(replay(first, 1)).toMatchObject([{ type: 'outcome', status: 'done', repeated: false }]);
    expect(replay(second, 2)).toMatchObject([{ type: 'outcome', status: 'done', repeated: true }]);
    expect(group.letters()).toMatchObject([{ state: 'replayed' }, { state: 'replayed' }]);
    expect(levelOf(group)).toMatchObject({ reserved: 2 });
  });

  it('has the outcome of a discard under a former id', () => {
    const group = stocked();
    const [arrived] = arrivedOf([order]);
    const failure = { errorClass: 'rule', failureSite: 'order.place', reason: 'a bug' } as const;
    if (arrived === undefined) throw new Error('nothing arrived');
    group.write([arrived], new Map([[arrived, failure]]));
    const of = { commandId: order.id, bodyHash: bodyHash(order), reason: 'not wanted', by: 'op' };
    group.write(arrivedOf([command('dead-letter.discard', of)]));
    expect(group.write(arrivedOf([rotated(order)])).replies).toMatchObject([{ status: 'discarded', repeated: true }]);
  });
});

it('a former id must hold the hash of the command’s customer', () => {
  const foreign = placeOrder('bo', { cafe: 1 }).id;
  const [one] = readCommands({ version: 1, commands: [{ ...order, formerIds: [foreign] }] }, 'central');
  expect(one).toMatchObject({ readable: false, reason: expect.stringContaining('/formerIds') as string });
  expect(readCommands({ version: 1, commands: [rotated(order)] }, 'central')).toMatchObject([{ readable: true }]);
});
