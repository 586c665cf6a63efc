import { randomBytes } from 'node:crypto';
import { beginReign, tryToLead, verifyGroup, brokenChecks, WriterSession, type Reign } from '@eco/database';
import type { Arrived } from '@eco/domain';
import { newOrderId } from '@eco/routing';
import { commandOf, eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { settleBatch, type Committed } from './settle.js';

let group: DatabaseGroup;
let session: WriterSession;
let reign: Reign;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  const { host, port } = server();
  session = await WriterSession.open({ host, port }, group.login('eco_writer'));
  await eventually('the lock is free', () => tryToLead(session));
  reign = await beginReign(session);
  const product = commandOf('product.create', { productId: 'tea', name: 'Tea', priceCents: 320, stock: 1000 });
  await settle([{ readable: true, command: product }]);
  // Nothing in the rules is wrong with these customers: only the database will not have them.
  await group.asSuperuser(`ALTER TABLE eco.orders ADD CONSTRAINT not_them CHECK (customer_id NOT LIKE 'bad%')`);
});
afterAll(async () => {
  await session.close();
  await group.stop();
});

const server = () => group.servers[0] as DatabaseGroup['servers'][number];

function order(customerId: string): Arrived & { readable: true } {
  const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
  const lines = [{ productId: 'tea', quantity: 1 }];
  return { readable: true, command: commandOf('order.place', { orderId, customerId, branchId: null, lines }) };
}

async function settle(arrived: Arrived[]): Promise<Committed> {
  const settled = await settleBatch(session, reign, arrived);
  if (settled.type !== 'committed') throw settled.error;
  return settled;
}

/** Ids that have an open dead letter or an outcome, with the batch that wrote it. */
async function written(arrived: (Arrived & { readable: true })[]) {
  const ids = arrived.map(({ command }) => command.id);
  const of = (table: string) =>
    group.asSuperuser<{ command_id: string; seq: string }>(
      `SELECT command_id, seq FROM eco.${table} WHERE command_id = ANY ($1::uuid[])`,
      [ids],
    );
  const [outcomes, deadLetters] = [await of('outcome'), await of('dead_letter')];
  return { outcomes, deadLetters, seqs: new Set([...outcomes, ...deadLetters].map(({ seq }) => Number(seq))) };
}

it.each([
  ['the first', [0]],
  ['the last', [99]],
  ['one in the middle', [41]],
  ['three of them', [7, 8, 60]],
])('parks what can’t be stored (%s), and settles the rest in the same transaction', async (_, bad) => {
  const batch = Array.from({ length: 100 }, (_each, index) =>
    order(bad.includes(index) ? `bad-${index}` : `good-${index}`),
  );
  const { state, effects } = await settle(batch);
  const { outcomes, deadLetters, seqs } = await written(batch);
  expect(outcomes).toHaveLength(100 - bad.length);
  expect(deadLetters.map(({ command_id: id }) => batch.findIndex(({ command }) => command.id === id)).sort()).toEqual(
    [...bad].sort(),
  );
  expect(seqs).toEqual(new Set([state.position.seq]));
  expect(effects.replies.map(({ commandId }) => commandId)).toEqual(batch.map(({ command }) => command.id));
  expect(effects.replies[bad[0] as number]).toMatchObject({
    type: 'dead-letter',
    reason: expect.stringContaining('not_them') as string,
  });
});

it('answers a parked command that comes again by its dead letter, without looking for it once more', async () => {
  const bad = order('bad-again');
  const first = await settle([bad]);
  const second = await settle([order('good'), bad]);
  expect(second.effects.replies[1]).toEqual(first.effects.replies[0]);
  expect(second.effects.deadLetters).toEqual([]);
  const rows = await group.asSuperuser('SELECT tries FROM eco.dead_letter WHERE command_id = $1', [bad.command.id]);
  expect(rows).toEqual([{ tries: 1 }]);
});

it('parks a command whose rule fails, as a bug would make it', async () => {
  const broken = order('good');
  // Not what readCommands would let pass: no time can be made of it.
  broken.command.stamp = 'no stamp';
  const batch = [order('good'), broken, order('good')];
  await settle(batch);
  const { outcomes, deadLetters } = await written(batch);
  expect([outcomes.length, deadLetters.map(({ command_id: id }) => id)]).toEqual([2, [broken.command.id]]);
});

it('blames nobody when the server can’t store', async () => {
  await group.asSuperuser('ALTER TABLE eco.movement RENAME TO movement_gone');
  const batch = [order('good'), order('good')];
  const settled = await settleBatch(session, reign, batch);
  await group.asSuperuser('ALTER TABLE eco.movement_gone RENAME TO movement');
  expect(settled).toMatchObject({ type: 'server-fault', lost: false });
  expect((await written(batch)).seqs.size).toBe(0);
  await settle(batch);
});

it('leaves data in which every rule holds', async () => {
  expect(brokenChecks(await verifyGroup(server(), group.login('eco_reader')))).toEqual([]);
});
