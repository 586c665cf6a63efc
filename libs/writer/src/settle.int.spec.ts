import { randomBytes } from 'node:crypto';
import { verifyGroup, brokenChecks } from '@eco/database';
import type { CommandBody, CommandKind } from '@eco/contracts';
import { readCommands, type Arrived, type Effects } from '@eco/domain';
import { newCommandId, newOrderId } from '@eco/routing';
import { commandOf, eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { startTerm, tryToLead, type LeaderTerm } from './leader-term.js';
import { WriterSession } from './session.js';
import { settleBatch, type Committed, type SettleOptions } from './settle.js';
import type { Taken } from './taken.js';

let group: DatabaseGroup;
let session: WriterSession;
let leaderTerm: LeaderTerm;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  const { host, port } = server();
  session = await WriterSession.open({ host, port }, group.login('eco_writer'));
  await eventually('the lock is free', () => tryToLead(session));
  leaderTerm = await startTerm(session);
  const product = commandOf('product.create', { productId: 'tea', name: 'Tea', priceCents: 320, stock: 1000 });
  await settle([{ readable: true, command: product, sender: 'central' }]);
  // The rules accept these customers; only the database rejects them.
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
  const command = commandOf('order.place', { orderId, customerId, branchId: null, lines });
  return { readable: true, command, sender: 'central' };
}

function received<K extends CommandKind>(kind: K, body: CommandBody<K>): Arrived & { readable: true } {
  const command = commandOf(kind, body);
  return { readable: true, command, sender: kind === 'dead-letter.discard' ? 'dead-letter-admin' : 'central' };
}

const fulfilmentOf = (orderId: string, customerId: string) => received('order.fulfil', { orderId, customerId });
const releaseOf = (reservationId: string, customerId: string) =>
  received('reservation.release', { reservationId, customerId });

const taken = (arrived: readonly Arrived[], queue = 'orders') =>
  arrived.map((one): Taken => ({ arrived: one, queue, deliveryCount: 0 }));

async function settle(arrived: Arrived[]): Promise<Committed> {
  const settled = await settleBatch(session, leaderTerm, taken(arrived));
  if (settled.type !== 'committed') throw settled.error;
  return settled;
}

/** Ids of commands with an open dead letter or an outcome, each with the batch that wrote it. */
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
])('dead-letters a command that can’t be stored (%s) and settles the rest in the same transaction', async (_, bad) => {
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
  expect(effects.deadLetters).toMatchObject(
    bad.map(() => ({ errorClass: 'database', failureSite: '23514 orders not_them' })),
  );
  expect(effects.replies[bad[0] as number]).toMatchObject({
    type: 'dead-letter',
    reason: expect.stringContaining('not_them') as string,
  });
});

it('replies to a repeated command from its dead letter, without searching for it again', async () => {
  const bad = order('bad-again');
  const first = await settle([bad]);
  const second = await settle([order('good'), bad]);
  expect(second.effects.replies[1]).toEqual(first.effects.replies[0]);
  expect(second.effects.deadLetters).toEqual([]);
  const rows = await group.asSuperuser('SELECT tries FROM eco.dead_letter WHERE command_id = $1', [bad.command.id]);
  expect(rows).toEqual([{ tries: 1 }]);
});

it('dead-letters a command whose rule throws', async () => {
  const broken = order('good');
  // readCommands would reject this text, because it is no valid time.
  broken.command.stamp = 'no stamp';
  const batch = [order('good'), broken, order('good')];
  const { effects } = await settle(batch);
  expect(effects.deadLetters).toMatchObject([
    { errorClass: 'rule', failureSite: expect.stringMatching(/^RangeError in /) as string },
  ]);
  const { outcomes, deadLetters } = await written(batch);
  expect([outcomes.length, deadLetters.map(({ command_id: id }) => id)]).toEqual([2, [broken.command.id]]);
});

it('tries a replay once per number, and records each action on a dead letter with its operator', async () => {
  const bad = order('bad-for-now');
  const first = await settle([bad]);
  const letter = first.effects.deadLetters[0] as Effects['deadLetters'][number];
  const replay = (number: number): Arrived => ({
    readable: true,
    command: { ...bad.command, replay: { number, bodyHash: letter.bodyHash, by: 'ana' } },
    sender: 'dead-letter-admin',
  });
  const stored = async () => {
    const [row] = await group.asSuperuser<{ state: string; tries: number; last_number: number }>(
      'SELECT state, tries, last_number FROM eco.dead_letter WHERE command_id = $1',
      [bad.command.id],
    );
    return row;
  };
  await settle([replay(1), replay(1)]);
  expect(await stored()).toEqual({ state: 'open', tries: 2, last_number: 1 });

  await group.asSuperuser('ALTER TABLE eco.orders DROP CONSTRAINT not_them');
  const late = await settle([replay(1)]);
  expect(late.effects.replies).toMatchObject([{ type: 'dead-letter' }]);
  const third = await settle([replay(2)]);
  expect(third.effects.replies).toMatchObject([{ type: 'outcome', status: 'done', repeated: false }]);
  expect(await stored()).toEqual({ state: 'replayed', tries: 2, last_number: 2 });
  expect((await settle([replay(3), bad])).effects.replies).toMatchObject([{ repeated: true }, { repeated: true }]);
  const actions = await group.asSuperuser(
    'SELECT number, action, operator, result FROM eco.dead_letter_action WHERE command_id = $1 ORDER BY number',
    [bad.command.id],
  );
  expect(actions).toEqual([
    { number: 1, action: 'replay', operator: 'ana', result: 'dead-letter' },
    { number: 2, action: 'replay', operator: 'ana', result: 'done' },
  ]);
});

it('dead-letters a command that is too large for the server', async () => {
  // The lines contain hashes, because other text would be compressed and then fit.
  const hashes = Array.from({ length: 200 }, (_, index) => `md5(customer_id || '${index}')`).join(' || ');
  const text = `CASE WHEN length(customer_id) > 100 THEN ${hashes} ELSE '' END`;
  await group.asSuperuser(`CREATE INDEX too_long ON eco.orders ((${text}))`);
  const batch = [order('good'), order('long'.repeat(30)), order('good')];
  const { effects } = await settle(batch);
  await group.asSuperuser('DROP INDEX eco.too_long');
  expect(effects.deadLetters).toMatchObject([
    { commandId: batch[1]?.command.id, errorClass: 'database', failureSite: expect.stringMatching(/^54000/) as string },
  ]);
  expect((await written(batch)).outcomes).toHaveLength(2);
});

describe('a command of a newer sender', () => {
  const read = (command: object) => readCommands({ version: 1, commands: [command] }, 'central');

  function newer() {
    const { command } = order('kiosk');
    const body = { ...command.body, channel: 'kiosk', lines: [{ productId: 'tea', quantity: 1, note: 'gift\0' }] };
    return { known: command, command: { ...command, trace: { id: 't-1' }, body } };
  }

  it('is done although this writer does not know all its fields, and is a repeat when it is delivered again', async () => {
    const { known, command } = newer();
    expect((await settle(read(command))).effects.replies).toMatchObject([{ status: 'done', repeated: false }]);
    const again = await settle(read({ ...command, trace: { id: 't-2' } }));
    expect(again.effects.replies).toMatchObject([{ status: 'done', repeated: true }]);
    const withoutThem = await settle(read(known));
    expect(withoutThem.effects.replies).toMatchObject([{ type: 'key-conflict' }]);
  });

  it('keeps all its fields in a dead letter', async () => {
    const { known, command } = newer();
    await settle(read(known));
    expect((await settle(read(command))).effects.replies).toMatchObject([{ type: 'key-conflict' }]);
    const rows = await group.asSuperuser('SELECT command FROM eco.dead_letter WHERE command_id = $1', [command.id]);
    expect(rows).toEqual([{ command }]);
  });
});

it('blames no command when the server can’t store anything', async () => {
  await group.asSuperuser('ALTER TABLE eco.movement_row RENAME TO movement_gone');
  const batch = [order('good'), order('good')];
  const settled = await settleBatch(session, leaderTerm, taken(batch));
  await group.asSuperuser('ALTER TABLE eco.movement_gone RENAME TO movement_row');
  expect(settled).toMatchObject({ type: 'server-error', lost: false });
  expect((await written(batch)).seqs.size).toBe(0);
  await settle(batch);
});

describe('large orders', () => {
  const LINES = 200;
  const lines = Array.from({ length: LINES }, (_, index) => ({ productId: `large-${index}`, quantity: 1 }));
  const bounds = { lines: 5 * LINES, swept: LINES };
  const of = (arrived: Arrived & { readable: true }) => arrived.command;

  function largeOrder(customerId: string) {
    const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
    return received('order.place', { orderId, customerId, branchId: null, lines });
  }

  function largeReservation(customerId: string) {
    const reservationId = newCommandId({ nowMs: Date.now(), random: randomBytes(10), key: customerId });
    return received('reservation.create', { reservationId, customerId, branchId: null, lines, ttlSeconds: 600 });
  }

  /** Settles batch after batch, as the writer does. */
  async function settleAll(all: readonly Taken[], options: SettleOptions): Promise<Committed[]> {
    const batches: Committed[] = [];
    for (let left = all; left.length > 0;) {
      const settled = await settleBatch(session, leaderTerm, left, options);
      if (settled.type !== 'committed') throw settled.error;
      batches.push(settled);
      left = left.filter((one) => !settled.taken.includes(one));
    }
    return batches;
  }

  /** Results of statements of this name during `work`. */
  async function answersTo(name: string, work: () => Promise<unknown>): Promise<{ rows: number; bytes: number }> {
    const run = session.run.bind(session);
    const all = { rows: 0, bytes: 0 };
    const spy = jest.spyOn(session, 'run').mockImplementation(async (statement, values) => {
      const answer = await run(statement, values);
      if (statement.name === name) {
        all.rows += answer.rows.length;
        all.bytes += JSON.stringify(answer.rows).length;
      }
      return answer;
    });
    await work();
    spy.mockRestore();
    return all;
  }

  beforeAll(async () => {
    await settle(
      lines.map(({ productId }) =>
        received('product.create', {
          productId,
          name: `A product with a name ${productId}`,
          priceCents: 100,
          stock: 1000,
        }),
      ),
    );
  });

  it('are loaded once, not once per line, and their levels once per product', async () => {
    const orders = [largeOrder('ana'), largeOrder('ana')];
    await settle(orders);
    const fulfilments = orders.map((each) => fulfilmentOf(of(each).id, 'ana'));
    const { rows, bytes } = await answersTo('load orders', () => settle(fulfilments));
    expect(rows).toBe(orders.length + LINES);
    expect(bytes).toBeLessThan(100_000);
    const reservations = [largeReservation('ana'), largeReservation('ana')];
    await settle(reservations);
    const releases = reservations.map((each) => releaseOf(of(each).id, 'ana'));
    const loaded = await answersTo('load reservations', () => settle(releases));
    expect(loaded.rows).toBe(reservations.length + LINES);
    expect(loaded.bytes).toBeLessThan(100_000);
  });

  it('end a batch when it has enough lines, in queue order, while another queue continues', async () => {
    const orders = Array.from({ length: 12 }, () => largeOrder('ana'));
    await settle(orders);
    const fulfilments = orders.map((each) => fulfilmentOf(of(each).id, 'ana'));
    const plain = [order('bo'), order('bo')];
    const all = [...taken(fulfilments, 'products'), ...taken(plain)];
    const batches = await settleAll(all, { bounds });
    expect(batches.map((batch) => batch.taken.map(({ arrived }) => arrived))).toEqual([
      [...fulfilments.slice(0, 5), ...plain],
      fulfilments.slice(5, 10),
      fulfilments.slice(10),
    ]);
    expect(new Set(batches.flatMap(({ effects }) => effects.outcomes.map(({ status }) => status)))).toEqual(
      new Set(['done']),
    );
  });

  it('release due reservations a few per batch, before commands that need their units are decided', async () => {
    // One customer may hold five of them.
    const reservations = Array.from({ length: 8 }, (_, n) => largeReservation(n < 4 ? 'ana' : 'eva'));
    await settle(reservations);
    await settle([received('stock.count', await countOf('large-0'))]);
    await makeDue();
    const wanted = order('bo');
    (of(wanted).body as { lines: object[] }).lines = [{ productId: 'large-0', quantity: 8 }];
    const batches = await settleAll(taken([wanted]), { bounds });
    expect(batches.map((batch) => [batch.effects.endedHolds.length, batch.taken.length])).toEqual([
      [5, 0],
      [3, 1],
    ]);
    expect(batches.at(-1)?.effects.outcomes.at(-1)).toMatchObject({ commandId: of(wanted).id, status: 'done' });
  });

  it('release due reservations when the writer is idle, as many as fit in a batch', async () => {
    await settle([received('stock.receive', { productId: 'large-0', location: 'central', quantity: 100 })]);
    await settle(Array.from({ length: 6 }, (_, n) => largeReservation(n < 3 ? 'ana' : 'eva')));
    await makeDue();
    const idle = () => settleBatch(session, leaderTerm, [], { bounds: { lines: 5 * LINES, swept: 5 * LINES } });
    const ended = [await idle(), await idle(), await idle()].map((each) =>
      each.type === 'committed' ? each.effects.endedHolds.length : each.error,
    );
    expect(ended).toEqual([5, 1, 0]);
  });

  it('in carts end a batch too, and a cart that is too large alone is not partly loaded', async () => {
    const carts = ['ana', 'bo', 'cy'].map((customerId) => ({ customerId, items: lines.slice(0, 60) }));
    for (const { customerId, items } of carts) {
      await settle(items.map(({ productId }) => received('cart.edit', { customerId, productId, quantity: 1 })));
    }
    const checkouts = carts.map(({ customerId }) => {
      const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
      return received('cart.checkout', { orderId, customerId, branchId: null });
    });
    const tooLarge = await settleBatch(session, leaderTerm, taken(checkouts), { bounds: { lines: 50, swept: 50 } });
    expect(tooLarge).toMatchObject({ type: 'server-error', lost: false, isTooLarge: true });
    const batches = await settleAll(taken(checkouts), { bounds: { lines: 130, swept: 50 } });
    expect(batches.map((batch) => batch.taken.length)).toEqual([2, 1]);
    expect(batches.flatMap(({ effects }) => effects.orders.map((row) => row.lines.length))).toEqual([60, 60, 60]);
  });

  it('that take the server too long cause a smaller batch and blame no command', async () => {
    await session.control(`SET statement_timeout = '50ms'`);
    await group.asSuperuser(`ALTER TABLE eco.orders ADD CONSTRAINT slow CHECK (pg_sleep(0.2) IS NOT NULL) NOT VALID`);
    const settled = await settleBatch(session, leaderTerm, taken([order('ana')]));
    await session.control(`SET statement_timeout = '5s'`);
    await group.asSuperuser('ALTER TABLE eco.orders DROP CONSTRAINT slow');
    expect(settled).toMatchObject({ type: 'server-error', lost: false, isTooLarge: true });
  });

  async function makeDue(): Promise<void> {
    await group.asSuperuser(
      `UPDATE eco.reservation SET created_at = now() - interval '1 h', expires_at = now() - interval '1 s' WHERE status = 'held'`,
    );
    await group.asSuperuser(`UPDATE eco.hold SET expires_at = now() - interval '1 s'`);
  }

  /** Only the reserved units of the product are left. */
  async function countOf(productId: string) {
    const [level] = await group.asSuperuser<{ on_hand: string; reserved: string }>(
      `SELECT on_hand, reserved FROM eco.stock_level WHERE product_id = $1 AND location = 'central'`,
      [productId],
    );
    const { on_hand: expected, reserved: counted } = level as { on_hand: string; reserved: string };
    return { productId, location: 'central', expected: Number(expected), counted: Number(counted) };
  }
});

it('leaves data in which every rule holds', async () => {
  expect(brokenChecks(await verifyGroup(server(), group.login('eco_operator')))).toEqual([]);
});
