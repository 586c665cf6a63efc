import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { beginReign, brokenChecks, tryToLead, verifyGroup, WriterSession, type VerifyReport } from '../index.js';
import { arrived, orderOf, productOf, runBatch } from '../test/commands.js';
import { checks } from './checks.js';

let group: DatabaseGroup;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  const { host, port } = server();
  const session = await WriterSession.open({ host, port }, group.login('eco_writer'));
  await eventually('the lock is free', () => tryToLead(session));
  const reign = await beginReign(session);
  const batches = [
    [productOf('tea', 50), productOf('rum', 5), productOf('figs', 0)],
    [orderOf('ana', [{ productId: 'tea', quantity: 3 }]), orderOf('eva', [{ productId: 'rum', quantity: 9 }])],
    [
      orderOf('ana', [
        { productId: 'tea', quantity: 2 },
        { productId: 'rum', quantity: 5 },
      ]),
      arrived('customer.register', { customerId: 'ana', name: 'Ana', email: 'ana@example.com', branchId: null }),
    ],
  ];
  for (const batch of batches) expect(await runBatch(session, reign, batch)).toMatchObject({ type: 'committed' });
  await session.close();
  await group.asSuperuser(`ALTER TABLE eco.stock_level DROP CONSTRAINT never_oversold`);
  await group.asSuperuser(`ALTER TABLE eco.movement DROP CONSTRAINT never_oversold`);
});
afterAll(() => group.stop());

const server = () => group.servers[0] as DatabaseGroup['servers'][number];
const verify = () => verifyGroup(server(), group.login('eco_reader'));
const names = (report: VerifyReport) => brokenChecks(report).map(({ name }) => name);

it('finds nothing wrong with what the writer wrote, and counts it', async () => {
  const report = await verify();
  expect(names(report)).toEqual([]);
  expect(report).toMatchObject({
    group: 'g1',
    position: { term: 1, seq: 3 },
    counts: {
      outcomes: 7,
      orders: 3,
      confirmed: 2,
      rejected: 1,
      movements: 5,
      products: 3,
      customers: 1,
      deadLettersOpen: 0,
    },
  });
  expect(report.checks).toHaveLength(checks.length);
});

/** What each check is there to find, done to the data by hand, and undone. */
const offences: Record<string, { does: string; undo: string; also?: string[] }> = {
  'order-has-outcome': {
    does: `UPDATE eco.orders SET seq = 1 WHERE customer_id = 'eva'`,
    undo: `UPDATE eco.orders SET seq = 2 WHERE customer_id = 'eva'`,
  },
  'outcome-has-order': {
    does: `CREATE TABLE kept AS SELECT * FROM eco.orders WHERE customer_id = 'eva'; DELETE FROM eco.orders WHERE customer_id = 'eva'`,
    undo: `INSERT INTO eco.orders SELECT * FROM kept; DROP TABLE kept`,
  },
  'line-reserved-once': {
    does: `UPDATE eco.orders SET lines = '[{"productId": "rum", "quantity": 9, "name": "", "unitPriceCents": 1}]', status = 'confirmed' WHERE customer_id = 'eva'`,
    undo: `UPDATE eco.orders SET lines = '[{"productId": "rum", "quantity": 9}]', status = 'rejected' WHERE customer_id = 'eva'`,
    also: ['order-has-outcome', 'reserved-is-promised'],
  },
  'movement-has-cause': {
    does: `UPDATE eco.outcome SET status = 'expired' WHERE command_id = (SELECT command_id FROM eco.movement WHERE movement = 'received' AND product_id = 'rum')`,
    undo: `UPDATE eco.outcome SET status = 'done' WHERE status = 'expired'`,
  },
  'settled-once': {
    does: `INSERT INTO eco.dead_letter SELECT command_id, body_hash, 'open', 1, now(), 1, bucket, 'invalid', 'by hand', null, '{}' FROM eco.outcome LIMIT 1`,
    undo: `DELETE FROM eco.dead_letter`,
  },
  'changes-numbered': {
    does: `UPDATE eco.outcome SET n = n + 1 WHERE seq = 2 AND n = 2`,
    undo: `UPDATE eco.outcome SET n = n - 1 WHERE seq = 2 AND n = 3`,
  },
  'no-row-from-the-future': {
    does: `UPDATE eco.customer SET seq = 9`,
    undo: `UPDATE eco.customer SET seq = 3`,
  },
  'never-oversold': {
    does: `UPDATE eco.stock_level SET on_hand = 4 WHERE product_id = 'rum'`,
    undo: `UPDATE eco.stock_level SET on_hand = 5 WHERE product_id = 'rum'`,
    also: ['level-is-ledger', 'units-conserved'],
  },
  'ledger-gap-free': {
    does: `UPDATE eco.movement SET sequence = 4 WHERE product_id = 'tea' AND sequence = 3`,
    undo: `UPDATE eco.movement SET sequence = 3 WHERE product_id = 'tea' AND sequence = 4`,
    also: ['level-is-ledger'],
  },
  'level-is-ledger': {
    does: `UPDATE eco.stock_level SET sequence = 2 WHERE product_id = 'tea'`,
    undo: `UPDATE eco.stock_level SET sequence = 3 WHERE product_id = 'tea'`,
  },
  'reserved-is-promised': {
    does: `UPDATE eco.stock_level SET reserved = 4 WHERE product_id = 'tea'`,
    undo: `UPDATE eco.stock_level SET reserved = 5 WHERE product_id = 'tea'`,
    also: ['level-is-ledger'],
  },
  'units-conserved': {
    does: `UPDATE eco.movement SET on_hand_delta = 60, on_hand = on_hand + 10 WHERE product_id = 'tea' AND sequence = 1`,
    undo: `UPDATE eco.movement SET on_hand_delta = 50, on_hand = on_hand - 10 WHERE product_id = 'tea' AND sequence = 1`,
    also: ['ledger-gap-free'],
  },
};

it.each(checks.map(({ name }) => name))('%s is seen to find what it looks for', async (name) => {
  const { does, undo, also = [] } = offences[name] ?? { does: '', undo: '' };
  await group.asSuperuser(does);
  const report = await verify();
  await group.asSuperuser(undo);
  expect(names(report).sort()).toEqual([name, ...also].sort());
  const found = brokenChecks(report).find((check) => check.name === name);
  expect(found?.first.length).toBeGreaterThan(0);
  expect(names(await verify())).toEqual([]);
});

it('finds a line that was reserved twice', async () => {
  const rows = `SELECT product_id, location, 9, seq, at, 0, 3, on_hand, reserved, 9, bucket, movement, command_id
    FROM eco.movement WHERE product_id = 'tea' AND sequence = 2`;
  await group.asSuperuser(
    `INSERT INTO eco.movement (product_id, location, sequence, seq, at, on_hand_delta, reserved_delta, on_hand, reserved, n, bucket, movement, command_id) ${rows}`,
  );
  const report = await verify();
  await group.asSuperuser('DELETE FROM eco.movement WHERE sequence = 9');
  expect(names(report)).toEqual(
    expect.arrayContaining(['line-reserved-once', 'movement-has-cause', 'ledger-gap-free']),
  );
});
