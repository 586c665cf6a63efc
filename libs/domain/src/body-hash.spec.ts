import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalJson, commandKinds, type Command } from '@eco/contracts';
import { bodyHash, isBodyOf } from './body-hash.js';
import type { Arrived } from './effects.js';
import { readCommands } from './read-commands.js';
import { arrivedOf, checkOut, command, placeOrder, reserve } from './test/commands.js';
import { MemoryGroup } from './test/memory-group.js';

const sha256 = (value: unknown) => createHash('sha256').update(canonicalJson(value)).digest('hex');
const byTheBook = ({ kind, body }: Command) => sha256({ kind, body: { ...body, branchId: undefined } });

const slug = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const line = fc.record({ productId: slug, quantity: fc.integer({ min: 1, max: 10_000 }) });
const orderBody = fc.record({
  orderId: fc.uuid(),
  // The id may have any Unicode character, including quotes and backslashes.
  customerId: fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }),
  branchId: fc.option(slug),
  lines: fc.array(line, { minLength: 1, maxLength: 200 }),
});
/** Fields that a newer sender may add, in the body or in a line. */
const unknownFields = fc.dictionary(fc.constantFrom('note', 'gift', 'ñ'), fc.jsonValue({ maxDepth: 3 }), {
  maxKeys: 2,
});

/** The same value with the keys of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, reversed(member)]);
  return Object.fromEntries(entries.reverse());
}

describe('bodyHash', () => {
  // ASVS 5.0: 11.4.3
  it('is the hash of the canonical kind and body, whatever the order of their keys', () => {
    fc.assert(
      fc.property(orderBody, (body) => {
        const order = { ...placeOrder('ana', {}), body };
        expect(bodyHash(order)).toBe(byTheBook(order));
        expect(bodyHash({ ...order, body: reversed(body) as typeof body })).toBe(byTheBook(order));
      }),
    );
  });

  it('includes the fields that only a newer sender knows', () => {
    fc.assert(
      fc.property(orderBody, unknownFields, unknownFields, (body, more, moreOfLine) => {
        const [first, ...others] = body.lines;
        const newer = { ...body, ...more, lines: [{ ...first, ...moreOfLine }, ...others] } as typeof body;
        const order = { ...placeOrder('ana', {}), body: newer };
        expect(bodyHash(order)).toBe(byTheBook(order));
        const added = Object.keys(more).length + Object.keys(moreOfLine).length > 0;
        expect(bodyHash(order) === bodyHash({ ...order, body })).toBe(!added);
      }),
    );
  });

  it('distinguishes kinds with equal bodies, and ignores the envelope', () => {
    const remove = command('product.delete', { productId: 'cafe' });
    expect(bodyHash(remove)).toBe(byTheBook(remove));
    expect(bodyHash({ ...remove, stamp: remove.stamp.replace('spec', 'other'), sentBy: 'other' })).toBe(
      byTheBook(remove),
    );
    const hashes = Object.keys(commandKinds).map((kind) => bodyHash({ ...remove, kind, body: { lines: [] } } as never));
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('a request that is repeated at another API', () => {
  const at = (branchId: string | null) => [
    placeOrder('ana', { cafe: 2 }, { branchId, idempotencyKey: 'k-1' }),
    checkOut('ana', { branchId, idempotencyKey: 'k-2' }),
    reserve('ana', { cafe: 1 }, { branchId, idempotencyKey: 'k-3' }),
    command('customer.register', { customerId: 'ana', name: 'Ana', email: 'ana@example.com', branchId }),
  ];

  it('is the same command, whatever branch each API adds', () => {
    expect(at('sucursal-1').map(bodyHash)).toEqual(at(null).map(bodyHash));
    const [order, other] = ['ana', 'bo'].map((customerId) => placeOrder(customerId, { cafe: 2 }));
    expect(bodyHash(order as Command)).not.toBe(bodyHash(other as Command));
  });

  it('gets the first outcome and places no second order', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([command('product.create', { productId: 'cafe', name: 'Café', priceCents: 890, stock: 9 })]));
    const [atBranch] = at('sucursal-1');
    const [atCentral] = at(null);
    const first = group.write(arrivedOf([atBranch as Command])).replies;
    expect(group.write(arrivedOf([atCentral as Command])).replies).toEqual(
      first.map((reply) => ({ ...reply, repeated: true })),
    );
    expect([...group.stored.orders.values()]).toMatchObject([{ branchId: 'sucursal-1' }]);
  });

  it('is recognized by the former hash, which included the branch', () => {
    const group = new MemoryGroup();
    for (const one of at('sucursal-1')) {
      const former = sha256({ kind: one.kind, body: one.body });
      expect([isBodyOf(one, bodyHash(one)), isBodyOf(one, former), isBodyOf(one, sha256(''))]).toEqual([
        true,
        true,
        false,
      ]);
    }
    const [order] = at('sucursal-1');
    const [outcome] = group.write(arrivedOf([order as Command])).outcomes;
    if (order === undefined || outcome === undefined) throw new Error('there is no outcome');
    const { kind, body } = order;
    group.stored.outcomes.set(order.id, { ...outcome, bodyHash: sha256({ kind, body }) });
    expect(group.write(arrivedOf([order])).replies).toMatchObject([{ type: 'outcome', repeated: true }]);
    const other = placeOrder('ana', { cafe: 3 }, { branchId: 'sucursal-1', idempotencyKey: 'k-1' });
    expect(group.write(arrivedOf([other])).replies).toMatchObject([{ type: 'key-conflict' }]);
  });

  it('replays a dead letter stored under the former hash, which included the branch', () => {
    const order = placeOrder('ana', { cafe: 2 }, { branchId: 'sucursal-1' });
    const former = sha256({ kind: order.kind, body: order.body });
    const group = new MemoryGroup();
    const failed = arrivedOf([order]);
    group.write(failed, new Map(failed.map((one) => [one, { errorClass: 'rule', failureSite: 'x', reason: 'a bug' }])));
    const [row] = group.stored.deadLetters.values();
    if (row === undefined) throw new Error('there is no dead letter');
    group.stored.deadLetters.clear();
    group.stored.deadLetters.set(`${order.id}\n${former}`, { ...row, bodyHash: former });
    expect(group.write(failed).replies).toMatchObject([{ type: 'dead-letter', reason: 'a bug' }]);
    const replay = { number: 1, bodyHash: former, by: 'op' };
    const [again] = readCommands({ version: 1, commands: [{ ...order, replay }] }, 'dead-letter-admin');
    expect(again).toMatchObject({ readable: true });
    expect(group.write([again as Arrived]).replies).toMatchObject([{ type: 'outcome', status: 'refused' }]);
    expect(group.letters()).toMatchObject([{ bodyHash: former, state: 'replayed' }]);
  });
});
