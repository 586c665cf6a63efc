import fc from 'fast-check';
import { topics, type Command, type Reply } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { decideBatch } from './batch.js';
import type { Arrived } from './effects.js';
import { neededKeys } from './needed-keys.js';
import { readCommands } from './read-commands.js';
import { checkOut, command, placeOrder, stampAt } from './test/commands.js';
import { BUCKETS, MemoryGroup } from './test/memory-group.js';
import { OneByOne } from './test/one-by-one.js';

/*
 * Goal: what a group holds and answers is what its commands do one by one, whatever comes twice, late or under another's
 * id, and wherever one batch ends and the next begins.
 *
 * Method: random histories over few keys, so that everything meets everything, cut into random batches, against a naive
 * model. The rules of the design are checked of what is stored, without the model.
 */

const AT = '2026-11-24T12:00:00.000Z';
const products = ['cafe', 'mate', 'te'];
const customers = ['ana', 'Ñandú 🛒'];

const productId = fc.constantFrom(...products);
const customerId = fc.constantFrom(...customers);
/** Few enough that two of a kind now and then come under one id. */
const idempotencyKey = fc.nat(15).map(String);
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const envelope = fc.record({
  stamp: fc.nat(60).map((ms) => stampAt(ms)),
  notAfter: rarely(fc.constantFrom('2026-11-24T11:59:59.999Z', AT, '2026-11-24T12:00Z', '2026-11-24T12:00:00.0001Z')),
});
const branchId = fc.constantFrom(null, 'sucursal-1');

const lines = fc
  .record({
    known: fc.dictionary(productId, fc.integer({ min: 1, max: 6 }), { minKeys: 1 }),
    unknown: rarely(fc.constant({ nothing: 1 })),
  })
  .map(({ known, unknown }) => ({ ...known, ...unknown }));
const anOrder = fc
  .record({ customerId, lines, idempotencyKey, branchId, envelope })
  .map(({ customerId, lines, envelope, ...fields }) => placeOrder(customerId, lines, { ...fields, ...envelope }));
const aCheckout = fc
  .record({ customerId, idempotencyKey, branchId, envelope })
  .chain(({ customerId, envelope, ...fields }) =>
    // Later than most edits, or it would find nothing.
    fc.integer({ min: 20, max: 80 }).map((ms) => checkOut(customerId, { ...fields, ...envelope, stamp: stampAt(ms) })),
  );
const anEdit = fc
  .record({ body: fc.record({ customerId, productId, quantity: fc.nat(3) }), idempotencyKey, envelope })
  .map(({ body, envelope, idempotencyKey }) => command('cart.edit', body, { idempotencyKey, ...envelope }));
const aClear = fc
  .record({ body: fc.record({ customerId }), idempotencyKey, envelope })
  .map(({ body, envelope, idempotencyKey }) => command('cart.clear', body, { idempotencyKey, ...envelope }));
const aRegistration = fc
  .record({
    body: fc.record({ customerId, name: fc.constantFrom('Ana', 'Bo'), email: fc.constant('a@b.example'), branchId }),
    idempotencyKey,
    envelope,
  })
  .map(({ body, envelope, idempotencyKey }) => command('customer.register', body, { idempotencyKey, ...envelope }));
const productFields = { productId, name: fc.constantFrom('Café', 'Yerba'), priceCents: fc.nat(500) };
const aCreation = fc
  .record({ body: fc.record({ ...productFields, stock: fc.nat(9) }), idempotencyKey, envelope })
  .map(({ body, envelope, idempotencyKey }) => command('product.create', body, { idempotencyKey, ...envelope }));
const anUpdate = fc
  .record({ body: fc.record(productFields), idempotencyKey, envelope })
  .map(({ body, envelope, idempotencyKey }) => command('product.update', body, { idempotencyKey, ...envelope }));
const aDeletion = fc
  .record({ body: fc.record({ productId }), idempotencyKey, envelope })
  .map(({ body, envelope, idempotencyKey }) => command('product.delete', body, { idempotencyKey, ...envelope }));

const readable = (arbitrary: fc.Arbitrary<Command>): fc.Arbitrary<Arrived> =>
  arbitrary.map((command) => ({ readable: true, command }));
/** Not a command, some of it under an honest command's id. */
const junk = fc
  .record({ order: anOrder, spoiled: fc.constantFrom('stamp', 'kind', 'id') })
  .map(({ order, spoiled }) => readCommands({ version: 1, commands: [{ ...order, [spoiled]: '?' }] })[0] as Arrived);

const arrival = fc.oneof(
  { weight: 10, arbitrary: readable(anOrder) },
  { weight: 10, arbitrary: readable(anEdit) },
  { weight: 5, arbitrary: readable(aCheckout) },
  { weight: 2, arbitrary: readable(aCreation) },
  { weight: 1, arbitrary: readable(aClear) },
  { weight: 1, arbitrary: readable(aRegistration) },
  { weight: 1, arbitrary: readable(anUpdate) },
  { weight: 1, arbitrary: readable(aDeletion) },
  { weight: 1, arbitrary: junk },
);

const stocked: Arrived[] = products.map((productId, index) => ({
  readable: true,
  command: command('product.create', { productId, name: productId, priceCents: 100 + index, stock: 12 }),
}));

/** Commands in the order they came, cut into batches; each may come again at any later place. */
const batches = fc
  .record({
    sent: fc.array(arrival, { minLength: 1, maxLength: 40, size: 'max' }),
    again: fc.array(fc.record({ which: fc.nat(), where: fc.nat() }), { maxLength: 12, size: 'max' }),
    cuts: fc.array(fc.nat(60), { maxLength: 25, size: 'max' }),
  })
  .map(({ sent, again, cuts }) => {
    const arrived = [...stocked, ...sent];
    for (const { which, where } of again) {
      arrived.splice(where % (arrived.length + 1), 0, arrived[which % arrived.length] as Arrived);
    }
    const ends = [...new Set([...cuts.filter((cut) => cut < arrived.length), arrived.length])].sort((a, b) => a - b);
    return ends.map((end, index) => arrived.slice(ends[index - 1] ?? 0, end));
  });

/** All of them mostly; else a part, as when a bucket is on its way to another group. */
const ownedBuckets = fc.oneof(
  { weight: 4, arbitrary: fc.constant(new Set(Array.from({ length: BUCKETS }, (_, bucket) => bucket))) },
  { weight: 1, arbitrary: fc.uniqueArray(fc.nat(BUCKETS - 1), { minLength: 12 }).map((buckets) => new Set(buckets)) },
);

function written(history: readonly (readonly Arrived[])[], owned?: ReadonlySet<number>) {
  const group = new MemoryGroup(AT, owned);
  const effects = history.map((batch) => group.write(batch));
  return { group, effects, replies: effects.flatMap((one) => one.replies) };
}

const NOTHING = {
  outcomes: [],
  orders: [],
  movements: [],
  levels: [],
  products: [],
  customers: [],
  carts: [],
  cartItems: [],
  deadLetters: [],
};

function asRepeat(reply: Reply): Reply {
  return reply.type === 'outcome' ? { ...reply, repeated: true } : reply;
}

/** What the group's rows show as a cart, by product id. */
function visibleCart(group: MemoryGroup, customerId: string) {
  const clearedStamp = group.carts.get(customerId)?.clearedStamp ?? '';
  return [...group.cartItems.values()]
    .filter((item) => item.customerId === customerId && item.quantity > 0 && item.stamp > clearedStamp)
    .map(({ productId, quantity, stamp }) => ({ productId, quantity, stamp }))
    .sort((a, b) => (a.productId < b.productId ? -1 : 1));
}

const sum = (numbers: number[]) => numbers.reduce((total, one) => total + one, 0);

describe('a history in batches', () => {
  it('does and answers what its commands do one by one', () => {
    fc.assert(
      fc.property(batches, ownedBuckets, (history, owned) => {
        const { group, replies } = written(history, owned);
        const model = new OneByOne(AT, owned);
        expect(replies).toEqual(history.flat().map((one) => model.take(one)));

        const outcomes = [...group.outcomes.values()].map(({ commandId: id, bodyHash: hash, status, result }) => ({
          id,
          hash,
          status,
          result,
        }));
        expect(outcomes).toEqual(model.decided.map(({ id, hash, status, result }) => ({ id, hash, status, result })));
        const letters = [...group.deadLetters.values()].map(
          ({ commandId: id, bodyHash: hash, reason, errorClass }) => ({
            id,
            hash,
            reason,
            errorClass,
          }),
        );
        expect(letters).toEqual(model.deadLetters);
        expect([...group.movements.values()]).toMatchObject(model.movements);
        expect(group.movements.size).toBe(model.movements.length);
        expect([...group.orders.values()]).toMatchObject(model.orders);
        expect(group.orders.size).toBe(model.orders.length);
        for (const productId of products) {
          const row = { ...model.product(productId), bucket: bucketOf(productId, BUCKETS) };
          expect(group.products.get(productId)).toEqual(model.product(productId) && row);
        }
        for (const customerId of customers) expect(visibleCart(group, customerId)).toEqual(model.cart(customerId));
      }),
      { numRuns: 300 },
    );
  });

  it('never oversells, conserves every unit, and its ledger replays to the levels (R3, R4)', () => {
    fc.assert(
      fc.property(batches, (history) => {
        const { group } = written(history);
        for (const level of group.levels.values()) {
          const ledger = [...group.movements.values()].filter(
            ({ productId, location }) => productId === level.productId && location === level.location,
          );
          expect(ledger.map(({ sequence }) => sequence)).toEqual(ledger.map((_, index) => index + 1));
          expect(level.sequence).toBe(ledger.length);
          const replayed = { onHand: 0, reserved: 0 };
          for (const movement of ledger) {
            replayed.onHand += movement.onHandDelta;
            replayed.reserved += movement.reservedDelta;
            expect(movement).toMatchObject(replayed);
            expect(movement.reserved).toBeGreaterThanOrEqual(0);
            expect(movement.reserved).toBeLessThanOrEqual(movement.onHand);
          }
          expect(level).toMatchObject(replayed);

          const confirmed = [...group.orders.values()].filter(({ status }) => status === 'confirmed');
          const lines = confirmed.flatMap((order) => order.lines).filter((line) => line.productId === level.productId);
          expect(level.reserved).toBe(sum(lines.map(({ quantity }) => quantity)));
          const created = history.flat().flatMap((one): [id: string, stock: number][] => {
            if (!one.readable || one.command.kind !== 'product.create') return [];
            const { id, body } = one.command;
            const isDone = body.productId === level.productId && group.outcomes.get(id)?.status === 'done';
            return isDone ? [[id, body.stock]] : [];
          });
          // Each once, however often it came; the first with an id is the one that was done.
          expect(level.onHand).toBe(sum([...new Map(created.reverse()).values()]));
        }
      }),
    );
  });

  it('changes nothing when any part of it comes again, and gives the same answers (R2)', () => {
    fc.assert(
      fc.property(batches, ownedBuckets, fc.nat(60), fc.nat(60), (history, owned, from, length) => {
        const { group, replies } = written(history, owned);
        const again = history.flat().slice(from, from + length);
        const { replies: repeated, ...rows } = decideBatch(group.load(neededKeys(again)), again);
        expect(rows).toEqual(NOTHING);
        expect(repeated).toEqual(replies.slice(from, from + length).map(asRepeat));
      }),
    );
  });

  it('numbers the changes of each batch by topic, from 1 without gaps', () => {
    fc.assert(
      fc.property(batches, (history) => {
        for (const { outcomes, movements } of written(history).effects) {
          expect(movements.map(({ n }) => n)).toEqual(movements.map((_, index) => index + 1));
          for (const topic of [null, ...topics]) {
            const rows = outcomes.filter((row) => row.topic === topic);
            expect(rows.map(({ n }) => n)).toEqual(rows.map((_, index) => (topic === null ? 0 : index + 1)));
          }
        }
      }),
    );
  });

  it('ends in the same carts, in whatever order and batches their edits come', () => {
    const stamps = fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 25 });
    const edits = stamps.chain((afterMs) =>
      fc.tuple(
        ...afterMs.map((ms) => {
          const envelope = { stamp: stampAt(ms), idempotencyKey: String(ms) };
          const clear = customerId.map((customerId) => command('cart.clear', { customerId }, envelope));
          const edit = fc
            .record({ customerId, productId, quantity: fc.nat(4) })
            .map((body) => command('cart.edit', body, envelope));
          return readable(fc.oneof({ weight: 1, arbitrary: clear }, { weight: 6, arbitrary: edit }));
        }),
      ),
    );
    const twoOrders = edits.chain((sent) =>
      fc.record({
        sent: fc.constant(sent),
        shuffled: fc.shuffledSubarray(sent, { minLength: sent.length }),
        cut: fc.nat(25),
      }),
    );
    fc.assert(
      fc.property(twoOrders, ({ sent, shuffled, cut }) => {
        const { group: one } = written([sent]);
        const { group: other } = written([shuffled.slice(0, cut), shuffled.slice(cut)]);
        for (const customerId of customers)
          expect(visibleCart(other, customerId)).toEqual(visibleCart(one, customerId));
      }),
    );
  });
});
