import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { brokerUsersOf, commandKinds, STAMP_AHEAD_MS_MAX, type Command, type CommandKind } from '@eco/contracts';

import { originOf, whyForbidden } from './authority.js';
import type { Arrived } from './effects.js';
import { arrivedOf, command, confirm, NOON_MS, placeOrder, reserve, stampAt, transfer } from './test/commands.js';
import { MemoryGroup } from './test/memory-group.js';

const recorded = JSON.parse(readFileSync(path.join(__dirname, 'test/recorded-commands.json'), 'utf8')) as {
  command: Command;
}[];

const BRANCH = 'branch.sucursal-1';
const users = [
  ...brokerUsersOf({ branchIds: ['sucursal-1', 'sucursal-2'], groupIds: ['g1'] }),
  'sucursal',
  'branch.',
  'branch.a b',
  'guest',
  '',
  null,
];

const byBranch: readonly CommandKind[] = [
  'order.place',
  'cart.edit',
  'cart.clear',
  'cart.checkout',
  'customer.register',
  'reservation.create',
  'reservation.confirm',
  'reservation.release',
  'order.cancel',
  'order.fulfil',
  'order.return',
  'transfer.receive',
  'sale.record',
  'sale.void',
  'sale.return',
  'shift.close',
  'quota.fetch',
  'quota.accept',
  'quota.give-back',
  'quota.count',
  'branch.report',
];
const byNobody: readonly CommandKind[] = ['reservation.expire'];
const byAdmin: readonly CommandKind[] = ['dead-letter.discard'];

/** A command of each kind, in the name of sucursal-1 where it names a branch or a location. */
const examples = new Map(
  recorded.map(({ command: one }) => {
    const own = {
      ...('branchId' in one.body && { branchId: 'sucursal-1' }),
      ...('location' in one.body && { location: 'sucursal-1' }),
    };
    return [one.kind, { ...one, body: { ...one.body, ...own } } as Command];
  }),
);
const stampOf = (user: string | null) => stampAt(0, user?.startsWith('branch.') ? `${user}.0a` : 'central.0a');
const kinds = Object.keys(commandKinds) as CommandKind[];
const cases = kinds.flatMap((kind) => users.map((user) => ({ kind, user })));

function isAllowed(kind: CommandKind, user: (typeof users)[number]): boolean {
  switch (user) {
    case 'central':
      return !byNobody.includes(kind) && !byAdmin.includes(kind);
    case BRANCH:
    case 'sucursal':
      return byBranch.includes(kind);
    case 'branch.sucursal-2':
      return byBranch.includes(kind) && !['branchId', 'location'].some((name) => name in commandKinds[kind].body.shape);
    case 'dead-letter-admin':
      return byAdmin.includes(kind);
    default:
      return false;
  }
}

describe('whyForbidden', () => {
  it('has an example of each kind', () => {
    expect([...examples.keys()].sort()).toEqual([...kinds].sort());
  });

  it.each(cases)('$kind from $user', ({ kind, user }) => {
    const example = { ...(examples.get(kind) as Command), stamp: stampOf(user) };
    const why = whyForbidden(example, originOf(user, undefined), NOON_MS);
    expect(why === undefined).toBe(isAllowed(kind, user));
  });

  it.each(kinds.filter((kind) => byBranch.includes(kind)))('%s must name the branch wherever it names one', (kind) => {
    const { senders, body } = commandKinds[kind];
    const names = ['branchId', 'location'].filter((name) => name in body.shape);
    expect(senders).toMatchObject({ names });
  });

  it('refuses any other branch that a body names', () => {
    const other = fc.oneof(fc.constantFrom(null, 'central', 'sucursal-2', 'Sucursal-1', 'sucursal-1 '), fc.string());
    fc.assert(
      fc.property(fc.constantFrom(...kinds.filter((kind) => byBranch.includes(kind))), other, (kind, branchId) => {
        const example = examples.get(kind) as Command;
        const { senders } = commandKinds[kind];
        const names = typeof senders === 'object' ? senders.names : [];
        fc.pre(names.length > 0 && branchId !== 'sucursal-1');
        const body = { ...example.body, ...Object.fromEntries(names.map((name) => [name, branchId])) };
        const hostile = { ...example, stamp: stampOf(BRANCH), body } as Command;
        expect(whyForbidden(hostile, originOf(BRANCH, undefined), NOON_MS)).toMatch(/must be sucursal-1/);
      }),
    );
  });

  const order = { ...placeOrder('ana', { cafe: 1 }, { branchId: 'sucursal-1' }), stamp: stampOf(BRANCH) };

  it.each([
    [BRANCH, 'branch.sucursal-1.0a', true],
    [BRANCH, 'branch.sucursal-2.0a', false],
    [BRANCH, 'branch.sucursal-1', false],
    [BRANCH, 'branch.sucursal-1.x.0a', false],
    [BRANCH, 'central.0a', false],
    ['central', 'central-api-1.0a', true],
    ['central', 'branch.sucursal-1.0a', false],
  ])('from %s with a stamp of %s: %s', (user, sender, may) => {
    const why = whyForbidden({ ...order, stamp: stampAt(0, sender) }, originOf(user, undefined), NOON_MS);
    expect(why === undefined).toBe(may);
  });

  it.each([
    [STAMP_AHEAD_MS_MAX, true],
    [STAMP_AHEAD_MS_MAX + 1, false],
    [-80 * 86_400_000, true],
  ])('with a stamp %i ms ahead: %s', (ms, may) => {
    const why = whyForbidden({ ...order, stamp: stampAt(ms, 'central.0a') }, originOf('central', undefined), NOON_MS);
    expect(why === undefined).toBe(may);
  });

  it.each([
    ['sale.record', true],
    ['quota.accept', true],
    ['branch.report', true],
    ['quota.fetch', true],
    ['order.place', false],
    ['cart.edit', false],
  ] as const)('%s of a branch whose clock is a day ahead: %s', (kind, may) => {
    const early = { ...examples.get(kind), stamp: stampAt(86_400_000, `${BRANCH}.0a`) } as Command;
    expect(whyForbidden(early, originOf(BRANCH, undefined), NOON_MS) === undefined).toBe(may);
  });

  it.each([
    [BRANCH, 'sucursal-1', true],
    [BRANCH, 'sucursal-2', false],
    [BRANCH, null, false],
    ['central', 'sucursal-1', true],
    ['central', 'sucursal-2', false],
    ['central', null, true],
  ])('from %s for an actor of branch %s: %s', (user, branchId, may) => {
    const origin = originOf(user, { id: 'ana', branchId });
    expect(whyForbidden({ ...order, stamp: stampOf(user) }, origin, NOON_MS) === undefined).toBe(may);
  });

  it.each(kinds)('%s from Central for a person of a branch: only if the branch itself may send it', (kind) => {
    const example = { ...(examples.get(kind) as Command), stamp: stampOf('central') };
    for (const branchId of ['sucursal-1', 'sucursal-2']) {
      const may = isAllowed(kind, `branch.${branchId}` as (typeof users)[number]);
      const why = whyForbidden(example, originOf('central', { id: 'eva', branchId }), NOON_MS);
      expect([branchId, why === undefined]).toEqual([branchId, may]);
    }
  });
});

const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 100, stock: 100 });
/** Central's sending of a command for a person of this branch. */
const forPersonOf = (branchId: string, one: Command): Arrived[] =>
  from('central', { ...one, actor: { id: 'eva', branchId } });
const from = (user: string, ...commands: Command[]): Arrived[] =>
  arrivedOf(
    commands.map((one) => ({ ...one, stamp: stampOf(user) })),
    user,
  );

/** A group in which the head office and the branch each have an order, a reservation and a transfer. */
function groupOfTwo() {
  const group = new MemoryGroup();
  const orders = {
    central: placeOrder('ana', { cafe: 1 }),
    own: placeOrder('bo', { cafe: 1 }, { branchId: 'sucursal-1' }),
  };
  const held = { central: reserve('ana', { cafe: 2 }), own: reserve('bo', { cafe: 2 }, { branchId: 'sucursal-1' }) };
  const sent = {
    own: transfer({ productId: 'cafe', from: 'central', to: 'sucursal-1', quantity: 1 }),
    central: transfer({ productId: 'cafe', from: 'sucursal-1', to: 'central', quantity: 1 }),
  };
  group.write(from('central', cafe, orders.central, held.central, sent.own));
  group.write(from(BRANCH, orders.own, held.own));
  group.write(
    from('central', command('stock.receive', { productId: 'cafe', location: 'sucursal-1', quantity: 1 }), sent.central),
  );
  return { group, orders, held, sent };
}

describe('a stored object', () => {
  const onStored = (of: 'central' | 'own'): [string, Command][] => {
    const { orders, held, sent } = groupOfTwo();
    const customerId = of === 'central' ? 'ana' : 'bo';
    const order = { orderId: orders[of].id, customerId };
    const reservation = { reservationId: held[of].id, customerId };
    const lines = [{ productId: 'cafe', quantity: 1 }];
    return [
      ['order.cancel', command('order.cancel', order)],
      ['order.fulfil', command('order.fulfil', order)],
      ['order.return', command('order.return', { ...order, location: 'sucursal-1', lines })],
      ['reservation.release', command('reservation.release', reservation)],
      ['reservation.confirm', confirm(customerId, held[of].id, { branchId: 'sucursal-1' })],
      ['transfer.receive', command('transfer.receive', { transferId: sent[of].id, productId: 'cafe' })],
    ];
  };

  it.each(onStored('central'))('%s: a branch may not act on one of the head office', (_kind, one) => {
    const { group } = groupOfTwo();
    const { replies, outcomes, deadLetters, forbidden } = group.write(from(BRANCH, one));
    expect(replies).toMatchObject([
      { type: 'dead-letter', reason: expect.stringMatching(/does not belong/) as string },
    ]);
    expect([outcomes, deadLetters]).toMatchObject([[], [{ errorClass: 'forbidden', sender: BRANCH }]]);
    expect(forbidden).toMatchObject([{ commandId: one.id, kind: one.kind, sender: BRANCH }]);
  });

  it.each(onStored('own'))('%s: a branch and the head office may act on one of the branch', (_kind, one) => {
    for (const user of [BRANCH, 'central']) {
      const { outcomes, deadLetters } = groupOfTwo().group.write(from(user, one));
      expect([outcomes, deadLetters]).toMatchObject([[{ commandId: one.id, sender: user }], []]);
    }
  });

  it.each(onStored('own'))('%s: Central may act on one of the branch for its own people only', (_kind, one) => {
    const own = groupOfTwo().group.write(forPersonOf('sucursal-1', one));
    expect([own.outcomes, own.deadLetters]).toMatchObject([[{ commandId: one.id, actor: 'eva' }], []]);
    const others = groupOfTwo().group.write(forPersonOf('sucursal-2', one));
    expect([others.outcomes, others.deadLetters]).toMatchObject([[], [{ errorClass: 'forbidden', actor: 'eva' }]]);
  });
});

describe('a tombstone', () => {
  const order = placeOrder('ana', { cafe: 1 });
  const ofBranch = placeOrder('ana', { cafe: 1 }, { branchId: 'sucursal-1' });
  const cancel = command('order.cancel', { orderId: order.id, customerId: 'ana' });

  it.each([
    ['central', 'central', order, 'refused'],
    [BRANCH, 'central', order, 'done'],
    [BRANCH, BRANCH, ofBranch, 'refused'],
    ['central', BRANCH, ofBranch, 'refused'],
    ['branch.sucursal-2', BRANCH, ofBranch, 'done'],
  ])('of %s: an order of %s under the same id is then %s', (author, user, placed, status) => {
    const group = new MemoryGroup();
    group.write(from('central', cafe));
    expect(group.write(from(author, cancel)).replies).toMatchObject([{ status: 'done' }]);
    expect(group.write(from(user, placed)).replies).toMatchObject([{ status }]);
  });

  it('of a person of a branch at Central binds the orders of that branch only', () => {
    for (const [placed, status] of [
      [order, 'done'],
      [ofBranch, 'refused'],
    ] as const) {
      const group = new MemoryGroup();
      group.write(from('central', cafe));
      expect(group.write(forPersonOf('sucursal-1', cancel)).replies).toMatchObject([{ status: 'done' }]);
      expect(group.write(from('central', placed)).replies).toMatchObject([{ status }]);
    }
  });

  it('of each author is taken into account', () => {
    const group = new MemoryGroup();
    group.write([...from(BRANCH, cancel), ...from('central', { ...cancel, id: cancel.id.replace(/^./, 'f') })]);
    expect(group.write(from('central', cafe, order)).replies).toMatchObject([
      { status: 'done' },
      { status: 'refused' },
    ]);
  });
});

describe('a forbidden command', () => {
  const order = placeOrder('ana', { cafe: 1 });
  const hash = () => [...new MemoryGroup().write(from('consumers', order)).deadLetters][0]?.bodyHash as string;
  const replay = (number: number) => ({ ...order, replay: { number, bodyHash: hash(), by: 'op' } });

  it('has no effect on the same command from a sender that may send it, and neither has its discard', () => {
    const group = new MemoryGroup();
    group.write(from('central', cafe));
    group.write(from(BRANCH, order));
    const discard = command('dead-letter.discard', {
      commandId: order.id,
      bodyHash: hash(),
      reason: 'hostile',
      by: 'op',
    });
    group.write(arrivedOf([discard]));
    expect(group.letters()).toMatchObject([{ state: 'discarded', errorClass: 'forbidden' }]);
    expect(group.write(from('central', order)).replies).toMatchObject([{ status: 'done', repeated: false }]);
  });

  it('stays forbidden when it is replayed, and the action’s record says so', () => {
    const group = new MemoryGroup();
    group.write(from('central', cafe));
    group.write(from(BRANCH, order));
    const { replies, deadLetterActions, orders } = group.write(arrivedOf([replay(1)]));
    expect(replies).toMatchObject([{ type: 'dead-letter' }]);
    expect(orders).toEqual([]);
    expect(deadLetterActions).toMatchObject([
      {
        action: 'replay',
        sender: 'dead-letter-admin',
        result: 'dead-letter',
        reason: expect.stringMatching(/stamp|branchId/) as string,
      },
    ]);
  });

  it('can’t be replayed by others, and a replay without a dead letter carries nothing out', () => {
    const group = new MemoryGroup();
    group.write(from('central', cafe));
    for (const user of ['central', BRANCH]) {
      const { orders, deadLetters } = group.write(from(user, replay(1)));
      expect([orders, deadLetters.length <= 1]).toEqual([[], true]);
    }
    const another = new MemoryGroup();
    another.write(from('central', cafe));
    expect(another.write(arrivedOf([replay(1)]))).toMatchObject({
      orders: [],
      deadLetters: [{ errorClass: 'forbidden' }],
    });
  });

  it('with a stamp ahead of the clock is decided by a replay once the clock has passed it', () => {
    const group = new MemoryGroup();
    group.write(from('central', cafe));
    const early = { ...order, stamp: stampAt(STAMP_AHEAD_MS_MAX + 1000, 'central.0a') };
    expect(group.write(arrivedOf([early], 'central')).deadLetters).toMatchObject([{ errorClass: 'forbidden' }]);
    group.at = new Date(NOON_MS + 2000).toISOString();
    const again = { ...early, replay: { number: 1, bodyHash: hash(), by: 'op' } };
    const { replies, outcomes } = group.write(arrivedOf([again]));
    expect([replies, outcomes]).toMatchObject([[{ status: 'done' }], [{ sender: 'central' }]]);
    expect(group.letters()).toMatchObject([{ state: 'replayed' }]);
  });

  it('is also one of a message without a broker user, readable or not', () => {
    const group = new MemoryGroup();
    const [lost] = arrivedOf([order]) as [Arrived];
    expect(group.write([{ ...lost, sender: null }]).deadLetters).toMatchObject([
      { errorClass: 'forbidden', sender: null, reason: 'the message names no broker user' },
    ]);
  });
});
