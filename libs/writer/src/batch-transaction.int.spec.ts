import { CENTRAL, OPEN_RESERVATIONS_MAX } from '@eco/contracts';
import { decideBatch, neededKeys, readCommands, type Arrived, type DeadLetterClass, type Effects } from '@eco/domain';
import { textsLiteral } from '@eco/postgres';
import { brokenChecks, LETTERS_PER_SENDER_MAX, verifyGroup } from '@eco/database';
import {
  arrived,
  eventually,
  orderOf,
  productOf,
  reservationOf,
  seededRandom,
  startDatabaseGroup,
  unicodeKey,
  type DatabaseGroup,
} from '@eco/testing';
import { commitBatch, openBatch, rollBack, tryBatch } from './batch-transaction.js';
import type { BatchFailure } from './batch-failure.js';
import { startTerm, readLastSeqs, tryToLead, type LeaderTerm } from './leader-term.js';
import { Retention } from './retention.js';
import { WriterSession } from './session.js';
import { readSuspects, storeSuspects, withdrawTries } from './suspect-rows.js';
import { runBatch, type Run } from './test/run-batch.js';

let group: DatabaseGroup;
let session: WriterSession;
let leaderTerm: LeaderTerm;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 1 });
});
afterAll(() => group.stop());

const primary = () => group.servers[0] as DatabaseGroup['servers'][number];
const replica = () => group.servers[1] as DatabaseGroup['servers'][number];
const openSession = () => {
  const { host, port } = primary();
  return WriterSession.open({ host, port }, group.login('eco_writer'));
};

/** A name that no other test uses. */
let names = 0;
const fresh = (word: string) => `${word}-${(names += 1)}`;

beforeEach(async () => {
  session = await openSession();
  await eventually('the lock is free', () => tryToLead(session));
  leaderTerm = await startTerm(session);
});
afterEach(() => session.close());

function committed(run: Run): Extract<Run, { type: 'committed' }> {
  if (run.type !== 'committed') throw run.error;
  return run;
}

async function count(table: string, where: string): Promise<number> {
  const [row] = await group.asSuperuser<{ n: string }>(`SELECT count(*) AS n FROM eco.${table} WHERE ${where}`);
  return Number(row?.n);
}

describe('a batch', () => {
  it('has a number, and stores its decisions so that the next batch loads them', async () => {
    const [tea, customer] = [fresh('tea'), fresh('Ana "la" {nieta}, \\ NULL ñ 🍎')];
    const first = committed(
      await runBatch(session, leaderTerm, [
        productOf(tea, 5),
        arrived('customer.register', { customerId: customer, name: 'Ana', email: 'ana@example.com', branchId: null }),
        arrived('cart.edit', { customerId: customer, productId: tea, quantity: 2 }),
        orderOf(customer, [{ productId: tea, quantity: 3 }]),
        orderOf(customer, [
          { productId: tea, quantity: 4 },
          { productId: 'nowhere', quantity: 1 },
        ]),
      ]),
    );
    expect(first.seq).toBe(leaderTerm.seq + 1);

    const again = arrived('cart.checkout', {
      orderId: orderOf(customer, []).command.id,
      customerId: customer,
      branchId: null,
    });
    const opened = await openBatch(session, leaderTerm, {
      ...neededKeys([again]),
      commandIds: first.effects.outcomes.map(({ commandId }) => commandId),
      customerIds: [customer, 'nobody'],
    });
    if (opened.type !== 'opened') throw opened.error;
    const { state } = opened;
    expect(state.position).toEqual({ group: 'g1', term: leaderTerm.term, tag: leaderTerm.tag, seq: first.seq + 1 });
    expect(state.ownedBuckets.size).toBe(16);
    expect([...state.customers.keys()]).toEqual([customer]);
    expect(state.carts.get(customer)?.items).toMatchObject([{ productId: tea, quantity: 2 }]);
    expect(state.products.get(tea)).toEqual({
      productId: tea,
      name: `Product "${tea}"`,
      priceCents: 250,
      version: 1,
      taxBasisPoints: null,
      deleted: false,
    });
    expect([...state.levels.values()]).toEqual([
      { productId: tea, location: CENTRAL, onHand: 5, reserved: 3, sequence: 2 },
    ]);
    for (const { commandId, bodyHash, status, result } of first.effects.outcomes) {
      expect(state.outcomes.get(commandId)).toEqual({ bodyHash, status, result, decidedAs: null });
    }
    expect(await commitBatch(session, state, decideBatch(state, []))).toEqual({ type: 'committed' });
  });

  it('loads the number of a customer’s reservations that hold units', async () => {
    const [tea, customer] = [fresh('tea'), fresh('ana')];
    const reserve = (customerId: string) => reservationOf(customerId, [{ productId: tea, quantity: 1 }]);
    const full = Array.from({ length: OPEN_RESERVATIONS_MAX }, () => reserve(customer));
    committed(await runBatch(session, leaderTerm, [productOf(tea, 100), ...full]));
    const next = [reserve(customer), reserve(fresh('bo'))];
    const { outcomes } = committed(await runBatch(session, leaderTerm, next)).effects;
    expect(outcomes).toMatchObject([
      { status: 'refused', result: { reason: 'reservations-too-many' } },
      { status: 'done' },
    ]);
  });

  it('loads the units × seconds that a customer’s reservations hold', async () => {
    const [tea, coffee, customer] = [fresh('tea'), fresh('coffee'), fresh('ana')];
    const reserve = (quantity: number) =>
      reservationOf(customer, [
        { productId: tea, quantity },
        { productId: coffee, quantity: 100 },
      ]);
    committed(await runBatch(session, leaderTerm, [productOf(tea, 5_000), productOf(coffee, 5_000), reserve(500)]));
    const { outcomes } = committed(await runBatch(session, leaderTerm, [reserve(301), reserve(300)])).effects;
    const refusal = { reason: 'reservation-too-large', unitSecondsOpen: 360_000, unitSecondsAsked: 240_600 };
    expect(outcomes).toMatchObject([{ status: 'refused', result: refusal }, { status: 'done' }]);
  });

  it('removes ordered items from a cart, and reports the order to a late older edit', async () => {
    const [tea, customer] = [fresh('tea'), fresh('customer')];
    const late = arrived('cart.edit', { customerId: customer, productId: tea, quantity: 4 });
    const edit = arrived('cart.edit', { customerId: customer, productId: tea, quantity: 2 });
    const { id: orderId } = orderOf(customer, []).command;
    const checkout = arrived('cart.checkout', { orderId, customerId: customer, branchId: null });
    committed(await runBatch(session, leaderTerm, [productOf(tea, 5), edit, checkout]));
    const { effects } = committed(await runBatch(session, leaderTerm, [late]));
    expect(effects.outcomes).toMatchObject([
      { result: { applied: false, reason: 'ordered', stamp: edit.command.stamp, orderId } },
    ]);
  });

  it('repairs a cart that a stamp of the year 2099 blocked before stamps were bounded', async () => {
    const [tea, customer] = [fresh('tea'), fresh('customer')];
    const edit = (quantity: number) => arrived('cart.edit', { customerId: customer, productId: tea, quantity });
    committed(await runBatch(session, leaderTerm, [arrived('cart.clear', { customerId: customer })]));
    const future = `${String(Date.UTC(2099, 0, 1)).padStart(15, '0')}-00000-spec`;
    await group.asSuperuser(`UPDATE eco.cart SET cleared_stamp = '${future}' WHERE customer_id = '${customer}'`);
    for (const quantity of [1, 2]) {
      const { effects } = committed(await runBatch(session, leaderTerm, [edit(quantity)]));
      expect(effects.outcomes).toMatchObject([{ result: { applied: true } }]);
    }
    expect(await count('cart', `customer_id = '${customer}' AND cleared_stamp < '${future}'`)).toBe(1);
  });

  it('shows its changes as they were decided, also those of orders, whose data is only in the order row', async () => {
    const tea = fresh('tea');
    const { seq, effects } = committed(
      await runBatch(session, leaderTerm, [
        productOf(tea, 5),
        orderOf('ana', [{ productId: tea, quantity: 3 }]),
        orderOf('ana', [{ productId: tea, quantity: 4 }]),
        arrived('product.delete', { productId: tea }),
      ]),
    );
    const rows = await group.asSuperuser(
      'SELECT topic, n, type, command_id, data FROM eco.change WHERE seq = $1 ORDER BY n',
      [seq],
    );
    const decided = effects.outcomes.map(({ topic, n, changeType, commandId, changeData }) => ({
      topic,
      n,
      type: changeType,
      command_id: commandId,
      data: changeData,
    }));
    expect(rows.filter(({ topic }) => topic !== 'stock')).toEqual(expect.arrayContaining(decided));
    expect(decided).toHaveLength(4);
    const stock = rows.filter(({ topic }) => topic === 'stock');
    expect(stock.map(({ data }) => data)).toMatchObject([
      {
        productId: tea,
        location: 'central',
        sequence: 1,
        movement: 'received',
        onHandDelta: 5,
        onHand: 5,
        reserved: 0,
      },
      {
        productId: tea,
        location: 'central',
        sequence: 2,
        movement: 'reserved',
        reservedDelta: 3,
        onHand: 5,
        reserved: 3,
      },
    ]);
    expect(await readLastSeqs(session)).toMatchObject({ orders: seq, products: seq, stock: seq });
    const empty = await group.asSuperuser('SELECT FROM eco.outcome WHERE result IS NULL AND seq = $1', [seq]);
    expect(empty).toHaveLength(2);
  });

  it('stores a dead letter unchanged, with its results and the actions on it', async () => {
    const letter = {
      commandId: orderOf('ana', []).command.id,
      bodyHash: 'ab'.repeat(32),
      bucket: null,
      kind: null,
      reason: 'holds "quotes", {braces} and a \\',
      errorClass: 'unreadable' as const,
      failureSite: 'message',
      sender: null,
      actor: null,
      sentBy: null,
      command: { text: 'U+0000 is \0, half a pair \ud800' },
    };
    const store = async (rows: Partial<Effects>) => {
      const opened = await openBatch(session, leaderTerm, neededKeys([]));
      if (opened.type !== 'opened') throw opened.error;
      const effects = decideBatch(opened.state, []);
      return commitBatch(session, opened.state, { ...effects, ...rows });
    };
    expect(await store({ deadLetters: [letter] })).toEqual({ type: 'committed' });
    const load = async () => {
      const opened = await openBatch(session, leaderTerm, { ...neededKeys([]), commandIds: [letter.commandId] });
      if (opened.type !== 'opened') throw opened.error;
      await rollBack(session);
      return opened.state.deadLetters.get(letter.commandId);
    };
    const { sentBy: _sentBy, command, ...kept } = letter;
    expect(await load()).toEqual([{ ...kept, state: 'open', tries: 1, lastNumber: 0 }]);
    const rows = await group.asSuperuser('SELECT command FROM eco.dead_letter WHERE command_id = $1', [
      letter.commandId,
    ]);
    expect(rows).toEqual([{ command }]);

    const { commandId, bodyHash } = letter;
    const since = { ...kept, state: 'discarded' as const, failureSite: 'elsewhere', tries: 3, lastNumber: 2 };
    const action = {
      commandId,
      bodyHash,
      number: 2,
      action: 'discard' as const,
      by: 'ana',
      sender: 'dead-letter-admin',
      result: 'discarded' as const,
    };
    const done = { deadLetterUpdates: [since], deadLetterActions: [{ ...action, reason: 'not wanted' }] };
    expect(await store(done)).toEqual({ type: 'committed' });
    expect(await load()).toEqual([since]);
    const actions = await group.asSuperuser(
      'SELECT number, action, operator, sender, result, reason FROM eco.dead_letter_action WHERE command_id = $1',
      [commandId],
    );
    expect(actions).toEqual([
      {
        number: 2,
        action: 'discard',
        operator: 'ana',
        sender: 'dead-letter-admin',
        result: 'discarded',
        reason: 'not wanted',
      },
    ]);
  });

  it('limits the key conflicts and the forbidden commands of one sender, however they arrive, and keeps all other dead letters', async () => {
    const commandId = orderOf('ana', []).command.id;
    let number = 0;
    const letters = (sender: string, count: number, errorClass: DeadLetterClass = 'key-conflict') =>
      Array.from({ length: count }, () => ({
        ...{ commandId, kind: 'order.place' as const, bucket: 0, failureSite: 'order.place', reason: 'spec' },
        ...{
          bodyHash: (number += 1).toString(16).padStart(64, '0'),
          errorClass,
          sender,
          actor: null,
          sentBy: 'spec',
          command: {},
        },
      }));
    const store = async (deadLetters: Effects['deadLetters']) => {
      const opened = await openBatch(session, leaderTerm, neededKeys([]));
      if (opened.type !== 'opened') throw opened.error;
      return commitBatch(session, opened.state, { ...decideBatch(opened.state, []), deadLetters });
    };
    const kept = (sender: string) => count('dead_letter', `sender = '${sender}'`);
    const [one, other] = [fresh('api'), fresh('api')];
    await store(letters(one, LETTERS_PER_SENDER_MAX - 10));
    expect(await kept(one)).toBe(LETTERS_PER_SENDER_MAX - 10);
    const fault = await store([...letters(one, 20), ...letters(other, 20), ...letters(one, 20, 'rule')]);
    expect(fault).toEqual({ type: 'committed' });
    await store(letters(one, 5));
    await store(letters(one, LETTERS_PER_SENDER_MAX + 5, 'forbidden'));
    expect([await kept(one), await kept(other)]).toEqual([2 * LETTERS_PER_SENDER_MAX + 20, 20]);
  });
});

describe('expired rows', () => {
  const DAY_MS = 86_400_000;
  const removeOld = async (retention: Retention) => {
    // Each pass continues where the previous one ended.
    for (let looks = 0; looks < 20; looks += 1) {
      const removals = await retention.find(session, performance.now());
      if (removals.length === 0) continue;
      const opened = await openBatch(session, leaderTerm, neededKeys([]));
      if (opened.type !== 'opened') throw opened.error;
      const done = await commitBatch(session, opened.state, decideBatch(opened.state, []), [], removals);
      expect(done).toEqual({ type: 'committed' });
    }
  };

  it('are removed: tombstones, closed dead letters, removed cart items; everything else stays and passes the checks', async () => {
    const [customer, gone] = [fresh('ana'), fresh('bo')];
    const [tea, coffee, mate] = [fresh('tea'), fresh('coffee'), fresh('mate')];
    const cancelled = orderOf(customer, []).command.id;
    const edit = (customerId: string, productId: string, quantity: number) =>
      arrived('cart.edit', { customerId, productId, quantity });
    const order = orderOf(customer, [{ productId: tea, quantity: 1 }]);
    const other = orderOf(customer, [{ productId: tea, quantity: 2 }]);
    other.command = { ...other.command, id: order.command.id };
    (other.command.body as { orderId: string }).orderId = order.command.id;
    const junk = readCommands({ version: 1, commands: [{ id: cancelled, note: fresh('junk') }] }, 'central');
    const [letter] = junk as (Arrived & { readable: false })[];
    const discard = {
      commandId: letter?.commandId ?? '',
      bodyHash: letter?.bodyHash ?? '',
      reason: 'spec',
      by: 'spec',
    };
    committed(
      await runBatch(session, leaderTerm, [
        productOf(tea, 5),
        arrived('order.cancel', { orderId: cancelled, customerId: customer }),
        edit(customer, coffee, 2),
        arrived('cart.clear', { customerId: customer }),
        edit(customer, tea, 1),
        edit(customer, mate, 0),
        edit(gone, mate, 1),
        arrived('cart.clear', { customerId: gone }),
        order,
        other,
        ...junk,
        arrived('dead-letter.discard', discard),
      ]),
    );
    const kept = async () => ({
      tombstones: await count('tombstone', `command_id = '${cancelled}'`),
      letters: await count('dead_letter', `command_id IN ('${cancelled}', '${order.command.id}')`),
      actions: await count('dead_letter_action', `command_id = '${cancelled}'`),
      items: await count('cart_item', `customer_id IN ('${customer}', '${gone}')`),
      carts: await count('cart', `customer_id IN ('${customer}', '${gone}')`),
    });
    const before = { tombstones: 1, letters: 2, actions: 1, items: 4, carts: 2 };
    expect(await kept()).toEqual(before);
    await removeOld(new Retention({ keepMs: 100 * DAY_MS, contentMs: 7 * DAY_MS }, 0));
    expect(await kept()).toEqual(before);

    // Changes times and stamps to those of 200 days ago.
    const older = `- interval '200 days'`;
    const stampOf = (column: string) =>
      `lpad((left(${column}, 15)::bigint - ${200 * DAY_MS})::text, 15, '0') || substr(${column}, 16)`;
    await group.asSuperuser(`
      UPDATE eco.tombstone SET at = at ${older};
      UPDATE eco.dead_letter SET first_failed_at = first_failed_at ${older};
      UPDATE eco.dead_letter_action SET at = at ${older};
      UPDATE eco.outcome_row SET decided_at = decided_at ${older};
      UPDATE eco.cart_item SET stamp = ${stampOf('stamp')};
      UPDATE eco.cart SET cleared_stamp = ${stampOf('cleared_stamp')}`);
    await removeOld(new Retention({ keepMs: 100 * DAY_MS, contentMs: 7 * DAY_MS }, 0));
    await removeOld(new Retention({ keepMs: 100 * DAY_MS, contentMs: 7 * DAY_MS }, 0));
    expect(await kept()).toEqual({ tombstones: 0, letters: 0, actions: 0, items: 1, carts: 1 });
    expect(await count('cart_item', `customer_id = '${customer}' AND product_id = '${tea}'`)).toBe(1);
    expect(await count('outcome', `command_id = '${order.command.id}'`)).toBe(1);
    expect(brokenChecks(await verifyGroup(primary(), group.login('eco_operator')))).toEqual([]);
  });

  it('of closed dead letters lose their content first, and those of open and forbidden ones keep it', async () => {
    const words = ['closed', 'open', 'forbidden', 'young'].map((word) => fresh(word));
    const [closed, open, forbidden, young] = words as [string, string, string, string];
    const junkOf = (note: string) => readCommands({ version: 1, commands: [{ note }] }, 'central');
    const discardOf = (letter: Arrived | undefined) => {
      const { commandId, bodyHash } = letter as Arrived & { readable: false };
      return arrived('dead-letter.discard', { commandId, bodyHash, reason: 'spec', by: 'spec' });
    };
    const [letters, ofForbidden] = [
      [closed, open, young].flatMap(junkOf),
      readCommands({ version: 1, commands: [{ note: forbidden }] }, 'consumers'),
    ];
    const [first, , last] = letters;
    const discards = [first, last, ...ofForbidden].map(discardOf);
    committed(await runBatch(session, leaderTerm, [...letters, ...ofForbidden, ...discards]));
    const full = async () => {
      const rows = await group.asSuperuser<{ text: string }>('SELECT command::text AS text FROM eco.dead_letter');
      return words.filter((word) => rows.some(({ text }) => text.includes(word)));
    };
    await removeOld(new Retention({ keepMs: 100 * DAY_MS, contentMs: 7 * DAY_MS }, 0));
    expect(await full()).toEqual(words);

    const isOld = `command_id <> '${(last as { commandId: string }).commandId}'`;
    await group.asSuperuser(`
      UPDATE eco.dead_letter SET first_failed_at = first_failed_at - interval '8 days' WHERE ${isOld};
      UPDATE eco.dead_letter_action SET at = at - interval '8 days' WHERE ${isOld}`);
    await removeOld(new Retention({ keepMs: 100 * DAY_MS, contentMs: 7 * DAY_MS }, 0));
    expect(await full()).toEqual([open, forbidden, young]);
    await removeOld(new Retention({ keepMs: 100 * DAY_MS, contentMs: 0 }, 0));
    expect(await full()).toEqual([open, forbidden]);
    expect(await count('dead_letter', `command::text = '{"emptied":true}'`)).toBe(2);
    expect(brokenChecks(await verifyGroup(primary(), group.login('eco_operator')))).toEqual([]);
  });
});

// ASVS 5.0: 1.2.4
it('stores any text unchanged', async () => {
  const random = seededRandom('texts');
  const texts = [
    '',
    'NULL',
    'null',
    ' ',
    '{}',
    '","',
    '\\',
    '\\"',
    ...Array.from({ length: 5000 }, () => unicodeKey(random)),
  ];
  const echo = { name: 'echo', text: 'SELECT unnest($1::text[])' };
  const { rows } = await session.run(echo, [textsLiteral(texts)]);
  expect(rows.map(([text]) => text)).toEqual(texts);
});

describe('the fence', () => {
  it('rejects every write of a writer whose leadership is over', async () => {
    committed(await runBatch(session, leaderTerm, [orderOf('ana', [])]));
    await session.close();
    const next = await openSession();
    await eventually('the lock is free', () => tryToLead(next));
    const nextTerm = await startTerm(next);
    expect(nextTerm).toMatchObject({ term: leaderTerm.term + 1, seq: leaderTerm.seq + 1 });
    expect(nextTerm.tag).not.toBe(leaderTerm.tag);
    expect(await runBatch(next, leaderTerm, [orderOf('ana', [])])).toMatchObject({ type: 'fenced' });
    expect(await runBatch(next, { ...nextTerm, tag: leaderTerm.tag }, [orderOf('ana', [])])).toMatchObject({
      type: 'fenced',
    });
    committed(await runBatch(next, nextTerm, [orderOf('ana', [])]));
    session = next;
  });

  it('makes the waiting load see the rows that the previous batch committed', async () => {
    const tea = fresh('tea');
    const product = productOf(tea, 5);
    const opened = await openBatch(session, leaderTerm, neededKeys([product]));
    if (opened.type !== 'opened') throw opened.error;
    const other = await openSession();
    const waiting = openBatch(other, leaderTerm, neededKeys([product]));
    await eventually('the second fence waits', async () => {
      const rows = await group.asSuperuser(`SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`, [
        other.backendPid,
      ]);
      return rows.length === 1;
    });
    expect(await commitBatch(session, opened.state, decideBatch(opened.state, [product]))).toEqual({
      type: 'committed',
    });
    const second = await waiting;
    if (second.type !== 'opened') throw second.error;
    expect(second.state.position.seq).toBe(opened.state.position.seq + 1);
    expect(second.state.products.has(tea)).toBe(true);
    await other.close();
  });

  for (const lost of ['ROLLBACK', 'COMMIT']) {
    // ASVS 5.0: 16.5.3
    it(`stores nothing on a session whose transaction was lost to a ${lost}`, async () => {
      const tea = fresh('tea');
      const commands = [productOf(tea, 5), orderOf('ana', [{ productId: tea, quantity: 1 }])];
      const opened = await openBatch(session, leaderTerm, neededKeys(commands));
      if (opened.type !== 'opened') throw opened.error;
      await session.control(lost);
      expect(await commitBatch(session, opened.state, decideBatch(opened.state, commands))).toMatchObject({
        type: 'unknown',
      });
      await session.ended;
      for (const table of ['outcome', 'orders', 'movement', 'stock_level', 'product']) {
        expect([table, await count(table, `seq = ${opened.state.position.seq}`)]).toEqual([table, 0]);
      }
    });
  }
});

describe('a failure', () => {
  // ASVS 5.0: 2.3.3
  it('of a command is reported as command-error and leaves nothing, not even an open transaction', async () => {
    const customerId = fresh('bad');
    await group.asSuperuser(`ALTER TABLE eco.orders ADD CONSTRAINT not_him CHECK (customer_id <> '${customerId}')`);
    const commands = [orderOf('ana', []), orderOf(customerId, [])];
    const run = await runBatch(session, leaderTerm, commands);
    expect(run).toMatchObject({
      type: 'command-error',
      error: { message: expect.stringContaining('not_him') as string },
    });
    expect(await count('outcome', `command_id = '${commands[0]?.command.id}'`)).toBe(0);
    expect(committed(await runBatch(session, leaderTerm, [orderOf('ana', [])])).seq).toBe(leaderTerm.seq + 1);
    await group.asSuperuser('ALTER TABLE eco.orders DROP CONSTRAINT not_him');
  });

  it('of the server blames no command', async () => {
    await group.asSuperuser('ALTER TABLE eco.orders RENAME TO orders_gone');
    const run = await runBatch(session, leaderTerm, [orderOf('ana', [])]);
    await group.asSuperuser('ALTER TABLE eco.orders_gone RENAME TO orders');
    expect(run).toMatchObject({ type: 'server-error', lost: false });
    committed(await runBatch(session, leaderTerm, [orderOf('ana', [])]));
  });

  it('is reported as a lost session when the backend is terminated before the store', async () => {
    await group.asSuperuser('SELECT pg_terminate_backend($1)', [session.backendPid]);
    await session.ended;
    expect(await runBatch(session, leaderTerm, [orderOf('ana', [])])).toMatchObject({
      type: 'server-error',
      lost: true,
    });
  });

  it('comes from the last guard when a decision oversells', async () => {
    const tea = fresh('tea');
    committed(await runBatch(session, leaderTerm, [productOf(tea, 5)]));
    const order = orderOf('ana', [{ productId: tea, quantity: 5 }]);
    const opened = await openBatch(session, leaderTerm, neededKeys([order]));
    if (opened.type !== 'opened') throw opened.error;
    const effects = decideBatch(opened.state, [order]);
    const levels = effects.levels.map((level) => ({ ...level, reserved: 6 }));
    expect(await commitBatch(session, opened.state, { ...effects, levels })).toMatchObject({
      type: 'command-error',
      error: { message: expect.stringContaining('never_oversold') as string },
    });
  });

  it('or success of a try is reported, and the try leaves nothing', async () => {
    const order = orderOf('ana', []);
    const opened = await openBatch(session, leaderTerm, neededKeys([order]));
    if (opened.type !== 'opened') throw opened.error;
    expect(await tryBatch(session, opened.state, decideBatch(opened.state, [order]))).toEqual({ type: 'storable' });
    expect(await count('outcome', `command_id = '${order.command.id}'`)).toBe(0);
    expect(committed(await runBatch(session, leaderTerm, [order])).seq).toBe(opened.state.position.seq);
  });
});

describe('a commit', () => {
  const waitsForReplica = () =>
    eventually('the commit waits for a replica', async () => {
      const rows = await group.asSuperuser(`SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'`, [
        session.backendPid,
      ]);
      return rows.length === 1;
    });

  it('waits until a replica has the batch', async () => {
    await replica().pause();
    const run = runBatch(session, leaderTerm, [orderOf('ana', [])]);
    await waitsForReplica();
    await replica().resume();
    expect(await run).toMatchObject({ type: 'committed' });
  });

  it('of suspect rows waits for a replica too, so no reader gets a position that only the primary has', async () => {
    const seq = () =>
      group.asSuperuser<{ seq: string }>('SELECT seq FROM eco.group_state').then(([row]) => Number(row?.seq));
    const before = await seq();
    const begun = { suspectId: '0193a0e2-0000-7000-8000-000000000001', commandIds: [], tries: 1 };
    await replica().pause();
    const stored = storeSuspects(session, leaderTerm, 'spec', { begun });
    await waitsForReplica();
    expect(await seq()).toBe(before);
    await replica().resume();
    expect(await stored).toBeUndefined();
    expect(await seq()).toBe(before + 1);
    await storeSuspects(session, leaderTerm, 'spec', { removed: [begun.suspectId] });
  });

  it('of suspect rows counts each process once, until the process withdraws', async () => {
    const set = { suspectId: '0193a0e2-0000-7000-8000-000000000002', commandIds: [], tries: 1 };
    const processesEnded = async () => (await readSuspects(session)).map((each) => each.processesEnded);
    for (const process of ['one', 'two', 'one']) await storeSuspects(session, leaderTerm, process, { begun: set });
    expect(await processesEnded()).toEqual([2]);
    await withdrawTries((text, values) => session.run({ name: 'withdraw', text }, values), 'one');
    expect(await processesEnded()).toEqual([1]);
    await storeSuspects(session, leaderTerm, 'two', { stored: [set] });
    expect(await processesEnded()).toEqual([0]);
    // A try from before the server's start does not show which process ended.
    await group.asSuperuser(`UPDATE eco.suspect SET tried_by = '{three@1700000000.5}'`);
    expect(await processesEnded()).toEqual([0]);
    await storeSuspects(session, leaderTerm, 'spec', { removed: [set.suspectId] });
    expect(await readSuspects(session)).toEqual([]);
  });

  it('is certain despite a notice that a product’s name has a word too long for its index', async () => {
    const tea = fresh('tea');
    // NFKD turns each of these letters into six characters. The word then has 3,600 bytes, and the index accepts 2,046.
    const name = `${'\u3351'.repeat(200)} ${'x'.repeat(3000)}`;
    committed(
      await runBatch(session, leaderTerm, [
        arrived('product.create', { productId: tea, name, priceCents: 1, stock: 5 }),
      ]),
    );
    committed(await runBatch(session, leaderTerm, [orderOf('ana', [{ productId: tea, quantity: 1 }])]));
    expect(session.lostBecause).toBeUndefined();
  });

  it('is certain when an earlier statement raised a warning, but not when COMMIT did', async () => {
    await group.asSuperuser(`
      CREATE FUNCTION eco.warns() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE WARNING 'of a statement'; RETURN NEW; END $$`);
    await group.asSuperuser(
      'CREATE TRIGGER warns BEFORE INSERT ON eco.orders FOR EACH ROW EXECUTE FUNCTION eco.warns()',
    );
    const run = await runBatch(session, leaderTerm, [orderOf('ana', [])]);
    await group.asSuperuser('DROP TRIGGER warns ON eco.orders');
    committed(run);

    await group.asSuperuser(`
      CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON eco.orders DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION eco.warns()`);
    const unsure = await runBatch(session, leaderTerm, [orderOf('ana', [])]);
    await group.asSuperuser('DROP TRIGGER warns ON eco.orders');
    expect(unsure).toMatchObject({ type: 'unknown', error: { message: 'of a statement' } });
  });

  it.each(['pg_cancel_backend', 'pg_terminate_backend'])(
    'whose wait is cut short by %s is unknown, and ends the session',
    async (cut) => {
      await replica().pause();
      const order = orderOf('ana', []);
      const run = runBatch(session, leaderTerm, [order]);
      await waitsForReplica();
      await group.asSuperuser(`SELECT ${cut}($1)`, [session.backendPid]);
      const settled = (await run) as BatchFailure;
      await replica().resume();
      expect(settled.type).toBe('unknown');
      await session.ended;
      // The batch is stored, so nobody may read "unknown" as "not done".
      expect(await count('outcome', `command_id = '${order.command.id}'`)).toBe(1);
    },
  );
});
