import type { Command, CommandOf } from '@eco/contracts';
import { bodyHash } from './body-hash.js';
import { readCommands } from './read-commands.js';
import { command, placeOrder, reserve } from './test/commands.js';
import { MemoryGroup } from './test/memory-group.js';

// Goal: a writer carries out a command with fields that only a newer sender knows, and after its upgrade still
// recognizes the command as decided.

const read = (...commands: unknown[]) => readCommands({ version: 1, commands }, 'central');

type Order = CommandOf<'order.place'> | CommandOf<'reservation.create'> | CommandOf<'order.return'>;
function fromNewerSender<C extends Order>(order: C): C {
  const lines = order.body.lines.map((line) => ({ ...line, note: 'gift' }));
  return { ...order, trace: { id: 't-1' }, body: { ...order.body, lines, channel: 'kiosk' } };
}

const order = placeOrder('ana', { cafe: 1 });
const newer = fromNewerSender(order);

function groupWithCafe(): MemoryGroup {
  const group = new MemoryGroup();
  group.write(read(command('product.create', { productId: 'cafe', name: 'Café', priceCents: 890, stock: 9 })));
  return group;
}

describe('a command of a newer sender', () => {
  it('is read with all its fields', () => {
    expect(read(newer)).toEqual([{ readable: true, command: newer, sender: 'central' }]);
  });

  it('has the same effects as without the unknown fields', () => {
    const effectsOf = (each: (one: Order) => Command) => {
      const group = groupWithCafe();
      const fulfil = command('order.fulfil', { orderId: order.body.orderId, customerId: 'ana' });
      const lines = [{ productId: 'cafe', quantity: 1 }];
      const back = command('order.return', {
        orderId: order.body.orderId,
        customerId: 'ana',
        location: 'central',
        lines,
      });
      return [order, reserve('bo', { cafe: 2 }), placeOrder('ana', { cafe: 99 }), fulfil, back].map((one) => {
        const { outcomes, ...effects } = group.write(read('lines' in one.body ? each(one as Order) : one));
        return { ...effects, outcomes: outcomes.map(({ bodyHash: _hash, ...outcome }) => outcome) };
      });
    };
    expect(effectsOf(fromNewerSender)).toEqual(effectsOf((one) => one));
  });

  it('is a repeat when it is delivered again, and without its unknown fields is another request', () => {
    const group = groupWithCafe();
    const [first] = group.write(read(newer)).replies;
    expect(first).toMatchObject({ type: 'outcome', status: 'done', repeated: false });
    expect(group.write(read({ ...newer, trace: { id: 't-2' } })).replies).toEqual([{ ...first, repeated: true }]);
    expect(group.write(read(order)).replies).toMatchObject([{ type: 'key-conflict' }]);
  });

  it('keeps its fields in a dead letter, so that a replay is the same command', () => {
    const group = groupWithCafe();
    group.write(read(order));
    const { deadLetters } = group.write(read(newer));
    expect(deadLetters).toMatchObject([{ errorClass: 'key-conflict', command: newer, bodyHash: bodyHash(newer) }]);
  });

  it('becomes a dead letter that names the upgrade if the version or the kind is newer', () => {
    expect(readCommands({ version: 2, commands: [order] }, 'central')).toMatchObject([
      {
        readable: false,
        errorClass: 'unreadable',
        reason: '/version: is 2, and this writer reads 1: upgrade the writers before the senders',
        raw: { version: 2, commands: [order] },
      },
    ]);
    expect(read({ ...order, kind: 'order.split' })).toMatchObject([
      {
        readable: false,
        errorClass: 'invalid',
        reason: '/kind: is no kind that this writer knows. If the sender is newer, upgrade the writers first',
      },
    ]);
  });

  it('is not carried out if an unknown field is too deep to be hashed', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 5000; level += 1) deep = [deep];
    expect(read({ ...order, body: { ...order.body, deep } })).toMatchObject([
      { readable: false, reason: '/body/deep: must not have more than 16 levels' },
    ]);
  });
});
