import { randomBytes } from 'node:crypto';
import { keyOf, type Command } from '@eco/contracts';
import { ID_RANDOM_BYTES, newCommandId } from '@eco/routing';
import {
  arrived,
  BatchWriter,
  confirmationOf,
  eventually,
  fetchOf,
  orderOf,
  productOf,
  reservationOf,
  saleOf,
  startDatabaseGroup,
  transferOf,
  type DatabaseGroup,
} from '@eco/testing';
import { brokenChecks, verifyGroup, type VerifyReport } from '../index.js';
import { checks } from './checks.js';

let group: DatabaseGroup;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  const writer = await BatchWriter.open(group);
  const kept = [{ productId: 'oil', quantity: 4 }];
  const [sold, dropped] = [orderOf('eva', kept), orderOf('eva', kept)];
  const [held, released, bought, due] = [
    reservationOf('leo', kept),
    reservationOf('leo', kept),
    reservationOf('leo', kept),
    reservationOf('leo', kept, 1),
  ];
  const [arriving, travelling, lost] = [
    transferOf('oil', 'central', 'sucursal-1', 7),
    transferOf('oil', 'central', 'sucursal-1', 3),
    transferOf('oil', 'central', 'sucursal-1', 5),
  ];
  const ofEva = ({ command }: typeof sold) => ({ orderId: command.id, customerId: 'eva' });
  const ofLeo = ({ command }: typeof held) => ({ reservationId: command.id, customerId: 'leo' });
  const atBranch = { productId: 'oil', location: 'sucursal-1' };
  const entry = (sequence: number) => ({ branchId: 'sucursal-1', incarnation: 1, sequence });
  const gin = { branchId: 'sucursal-1', productId: 'gin' };
  const granted = fetchOf('sucursal-1', 'gin', 8);
  // 3 of 8 granted units are written off. 5 + 3 are sold, 2 more are an excess, of which 1 is voided and 1 settled.
  const [standing, voided] = [saleOf(entry(3), [unitsOf(4), unitsOf(5)]), saleOf(entry(4), [unitsOf(1)])];
  const atNoon = new Date().toISOString();
  const branchBatches = [
    [productOf('gin', 10), arrived('branch.report', entry(1)), granted],
    [
      arrived('quota.accept', { ...entry(2), transferId: granted.command.id, productId: 'gin' }),
      arrived('quota.write-off', { ...gin, quantity: 3, reason: 'flooded' }),
      standing,
      voided,
    ],
    [
      arrived('sale.void', { ...entry(5), saleId: voided.command.id, voidedAt: atNoon, reason: 'wrong' }),
      arrived('quota.settle', { ...gin, quantity: 1, reason: 'found' }),
      arrived('sale.return', {
        ...entry(6),
        returnId: newCommandId({ key: 'sucursal-1', nowMs: Date.now(), random: randomBytes(ID_RANDOM_BYTES) }),
        saleId: standing.command.id,
        returnedAt: atNoon,
        reason: 'broken',
        lines: [{ ...unitsOf(3), unitPriceCents: 250 }],
        refundCents: 750,
      }),
      arrived('quota.give-back', { ...entry(7), productId: 'gin', quantity: 1, recallId: null }),
      // 2 are recorded, and 3 more are missing than that.
      arrived('quota.count', { ...entry(8), productId: 'gin', expected: 6, counted: 1, reason: 'stolen' }),
    ],
  ];
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
    [productOf('oil', 40), sold, dropped, held, released, bought, due, arriving, travelling, lost],
    [
      arrived('order.fulfil', ofEva(sold)),
      arrived('order.cancel', ofEva(dropped)),
      arrived('order.cancel', ofEva(orderOf('eva', kept))),
      arrived('reservation.release', ofLeo(released)),
      confirmationOf(bought),
      arrived('transfer.receive', { transferId: arriving.command.id, productId: 'oil' }),
      arrived('transfer.write-off', { transferId: lost.command.id, productId: 'oil', reason: 'stolen' }),
      arrived('order.return', { ...ofEva(sold), location: 'sucursal-1', lines: [{ productId: 'oil', quantity: 1 }] }),
      arrived('stock.receive', { ...atBranch, quantity: 2 }),
      arrived('stock.adjust', { ...atBranch, delta: -3, reason: 'broken' }),
      arrived('stock.count', { ...atBranch, expected: 7, counted: 6 }),
      arrived('stock.count', { ...atBranch, expected: 6, counted: 6 }),
    ],
    ...branchBatches,
  ];
  // Each outcome has a copy under a former id. The checks must not count it.
  for (const batch of batches) await writer.write(...batch.map(({ command }) => withFormerId(command)));
  // A batch without commands ends due reservations.
  await eventually('a reservation has expired', async () => {
    await writer.write();
    const [row] = await group.asSuperuser<{ n: string }>(
      `SELECT count(*) AS n FROM eco.reservation WHERE status = 'expired'`,
    );
    return row?.n === '1';
  });
  await writer.close();
  for (const [table, constraint] of [
    ['orders', 'orders_ended_check'],
    ['orders', 'orders_returned_check'],
    ['reservation', 'reservation_order_check'],
    ['transfer', 'transfer_arrived_check'],
  ]) {
    await group.asSuperuser(`ALTER TABLE eco.${table} DROP CONSTRAINT ${constraint}`);
  }
  await group.asSuperuser(`ALTER TABLE eco.stock_level DROP CONSTRAINT never_oversold`);
  await group.asSuperuser(`ALTER TABLE eco.movement_row DROP CONSTRAINT never_oversold`);
});
afterAll(() => group.stop());

function unitsOf(quantity: number) {
  return { productId: 'gin', quantity };
}

function withFormerId(command: Command): Command {
  const source = { nowMs: Date.now(), random: randomBytes(ID_RANDOM_BYTES) };
  return { ...command, formerIds: [newCommandId({ key: keyOf(command), ...source })] };
}

const server = () => group.servers[0] as DatabaseGroup['servers'][number];
const verify = () => verifyGroup(server(), group.login('eco_operator'));
/** Runs one statement at a time, because each has its own result. */
const runDirectly = async (statements: string) => {
  for (const statement of statements.split('; ')) await group.asSuperuser(statement);
};
const names = (report: VerifyReport) => brokenChecks(report).map(({ name }) => name);

it('finds no violation in the writer’s rows, and counts the rows', async () => {
  const report = await verify();
  expect(names(report)).toEqual([]);
  expect(report).toMatchObject({
    group: 'g1',
    position: { term: 1 },
    counts: {
      outcomes: 42,
      orders: 6,
      confirmed: 3,
      rejected: 1,
      cancelled: 1,
      fulfilled: 1,
      reservations: 4,
      held: 1,
      inTransit: 1,
      products: 5,
      customers: 1,
      deadLettersOpen: 0,
    },
  });
  expect(report.checks).toHaveLength(checks.length);
});

/** Statistics as a consumer leaves them when it has applied everything. */
const COUNTED = `INSERT INTO statistics.progress (consumer, group_id, topic, term, tag, seq)
  SELECT 'statistics', s.group_id, topic, s.term, s.tag, s.seq FROM eco.group_state s, unnest(ARRAY['orders', 'sales', 'customers']) topic; SELECT statistics.rebuild()`;
const UNCOUNTED = `DELETE FROM statistics.progress; DELETE FROM statistics.branch_day; DELETE FROM statistics.product_day`;

/** For each check, SQL that does the damage that it must find, and SQL that undoes it. */
const offences: Record<string, { does: string; undo: string; also?: string[] }> = {
  'order-has-outcome': {
    does: `UPDATE eco.orders SET seq = 1 WHERE customer_id = 'eva' AND status = 'rejected'`,
    undo: `UPDATE eco.orders SET seq = 2 WHERE customer_id = 'eva' AND status = 'rejected'`,
  },
  'outcome-has-order': {
    does: `INSERT INTO eco.outcome_row (command_id, body_hash, seq, decided_at, n, bucket, kind, status, result) SELECT gen_random_uuid(), body_hash, seq, decided_at, 0, bucket, 'cart.checkout', 'done', '{}' FROM eco.outcome_row LIMIT 1`,
    undo: `DELETE FROM eco.outcome_row WHERE kind = 'cart.checkout'`,
  },
  'line-reserved-once': {
    does: `UPDATE eco.orders SET lines = '[{"productId": "rum", "quantity": 9, "name": "", "unitPriceCents": 1}]', status = 'confirmed' WHERE customer_id = 'eva' AND status = 'rejected'`,
    undo: `UPDATE eco.orders SET lines = '[{"productId": "rum", "quantity": 9}]', status = 'rejected' WHERE customer_id = 'eva' AND status = 'confirmed'`,
    also: ['reserved-is-promised'],
  },
  'movement-has-cause': {
    does: `UPDATE eco.outcome_row SET status = 'expired' WHERE command_id = (SELECT command_id FROM eco.movement WHERE movement = 'received' AND product_id = 'rum')`,
    undo: `UPDATE eco.outcome_row SET status = 'done' WHERE status = 'expired'`,
  },
  'settled-once': {
    does: `INSERT INTO eco.dead_letter SELECT command_id, body_hash, 'open', 1, now(), 1, bucket, 'invalid', 'by hand', null, '{}' FROM eco.outcome LIMIT 1`,
    undo: `DELETE FROM eco.dead_letter`,
  },
  'closed-letter-has-outcome': {
    does: `INSERT INTO eco.dead_letter SELECT gen_random_uuid(), body_hash, 'discarded', 1, now(), 1, bucket, 'invalid', 'by hand', null, '{}' FROM eco.outcome LIMIT 1`,
    undo: `DELETE FROM eco.dead_letter`,
  },
  'changes-numbered': {
    does: `UPDATE eco.orders SET n = 3 WHERE decided_seq = 2 AND n = 2`,
    undo: `UPDATE eco.orders SET n = 2 WHERE decided_seq = 2 AND n = 3`,
  },
  'no-row-from-the-future': {
    does: `UPDATE eco.customer SET seq = 99`,
    undo: `UPDATE eco.customer SET seq = 3`,
  },
  'never-oversold': {
    does: `UPDATE eco.stock_level SET on_hand = 4 WHERE product_id = 'rum'`,
    undo: `UPDATE eco.stock_level SET on_hand = 5 WHERE product_id = 'rum'`,
    also: ['level-is-ledger', 'units-conserved'],
  },
  'ledger-gap-free': {
    does: `UPDATE eco.movement_row SET sequence = 4 WHERE product_id = 'tea' AND sequence = 3`,
    undo: `UPDATE eco.movement_row SET sequence = 3 WHERE product_id = 'tea' AND sequence = 4`,
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
    does: `UPDATE eco.movement_row SET on_hand_delta = 60, on_hand = on_hand + 10 WHERE product_id = 'tea' AND sequence = 1`,
    undo: `UPDATE eco.movement_row SET on_hand_delta = 50, on_hand = on_hand - 10 WHERE product_id = 'tea' AND sequence = 1`,
    also: ['ledger-gap-free'],
  },
  'ended-lines-moved-once': {
    does: `UPDATE eco.outcome_row SET result = replace(result::text, '"quantity": 4', '"quantity": 5')::jsonb WHERE kind = 'reservation.expire'`,
    undo: `UPDATE eco.outcome_row SET result = replace(result::text, '"quantity": 5', '"quantity": 4')::jsonb WHERE kind = 'reservation.expire'`,
  },
  'stock-outcome-moved-once': {
    does: `UPDATE eco.outcome_row SET result = jsonb_set(result, '{delta}', '-4') WHERE kind = 'stock.adjust'`,
    undo: `UPDATE eco.outcome_row SET result = jsonb_set(result, '{delta}', '-3') WHERE kind = 'stock.adjust'`,
  },
  'order-ended-by-outcome': {
    does: `UPDATE eco.orders SET status = 'fulfilled' WHERE status = 'cancelled'`,
    undo: `UPDATE eco.orders SET status = 'cancelled' WHERE status = 'fulfilled' AND returned IS NULL`,
    also: ['units-conserved'],
  },
  'returned-is-outcomes': {
    does: `UPDATE eco.orders SET returned = '[{"productId": "oil", "quantity": 2}]' WHERE returned IS NOT NULL`,
    undo: `UPDATE eco.orders SET returned = '[{"productId": "oil", "quantity": 1}]' WHERE returned IS NOT NULL`,
    also: ['units-conserved'],
  },
  'reservation-has-outcome': {
    does: `UPDATE eco.outcome_row SET status = 'expired' WHERE command_id = (SELECT reservation_id FROM eco.reservation WHERE status = 'held')`,
    undo: `UPDATE eco.outcome_row SET status = 'done' WHERE status = 'expired'`,
    also: ['movement-has-cause'],
  },
  'reservation-ended-by-outcome': {
    does: `UPDATE eco.reservation SET status = 'released' WHERE status = 'expired'`,
    undo: `UPDATE eco.reservation SET status = 'expired' WHERE reservation_id = (SELECT (result ->> 'reservationId')::uuid FROM eco.outcome WHERE kind = 'reservation.expire')`,
  },
  'hold-is-reservation': {
    does: `UPDATE eco.hold SET quantity = 5`,
    undo: `UPDATE eco.hold SET quantity = 4`,
  },
  'transfer-is-outcomes': {
    does: `UPDATE eco.transfer SET status = 'arrived' WHERE quantity = 3`,
    undo: `UPDATE eco.transfer SET status = 'in-transit' WHERE quantity = 3`,
    also: ['units-conserved'],
  },
  'loss-is-in-ledger': {
    // The movement is one of several of its level in a batch, and not the last one.
    does: `UPDATE eco.movement_row SET earlier_movements[array_position(earlier_on_hand_deltas, -5)] = 'counted' WHERE -5 = ANY (earlier_on_hand_deltas)`,
    undo: `UPDATE eco.movement_row SET earlier_movements[array_position(earlier_on_hand_deltas, -5)] = 'adjusted' WHERE -5 = ANY (earlier_on_hand_deltas)`,
  },
  'tombstone-obeyed': {
    does: `CREATE TABLE kept AS SELECT * FROM eco.tombstone; DELETE FROM eco.tombstone`,
    undo: `INSERT INTO eco.tombstone SELECT * FROM kept; DROP TABLE kept`,
  },
  'movement-of-its-kind': {
    does: `UPDATE eco.movement_row SET movement = 'arrived' WHERE movement = 'sent'`,
    undo: `UPDATE eco.movement_row SET movement = 'sent' WHERE movement = 'arrived' AND on_hand_delta < 0`,
    also: ['stock-outcome-moved-once'],
  },
  'entry-has-outcome': {
    does: `CREATE TABLE kept AS SELECT * FROM eco.entry WHERE sequence = 6; DELETE FROM eco.entry WHERE sequence = 6`,
    undo: `INSERT INTO eco.entry SELECT * FROM kept; DROP TABLE kept`,
  },
  'holder-is-entries': {
    does: `UPDATE eco.holder SET sequence = 9`,
    undo: `UPDATE eco.holder SET sequence = 8`,
  },
  'sale-has-outcome': {
    does: `UPDATE eco.sale SET is_late = true`,
    undo: `UPDATE eco.sale SET is_late = false`,
  },
  'sale-voided-by-outcome': {
    does: `UPDATE eco.sale SET voided_at = now(), void_reason = 'by hand' WHERE voided_at IS NULL`,
    undo: `UPDATE eco.sale SET voided_at = null, void_reason = null WHERE void_reason = 'by hand'`,
    also: ['units-conserved'],
  },
  'sold-lines-moved-once': {
    does: `UPDATE eco.sale_return SET lines = replace(lines::text, '"quantity": 3', '"quantity": 2')::jsonb`,
    undo: `UPDATE eco.sale_return SET lines = replace(lines::text, '"quantity": 2', '"quantity": 3')::jsonb`,
    also: ['units-conserved'],
  },
  'quota-outcome-moved-once': {
    does: `UPDATE eco.outcome_row SET result = jsonb_set(result, '{quantity}', '4') WHERE kind = 'quota.write-off'`,
    undo: `UPDATE eco.outcome_row SET result = jsonb_set(result, '{quantity}', '3') WHERE kind = 'quota.write-off'`,
  },
  'discrepancy-is-excess': {
    does: `UPDATE eco.outcome_row SET result = jsonb_set(result, '{quantity}', '2') WHERE kind = 'quota.settle'`,
    undo: `UPDATE eco.outcome_row SET result = jsonb_set(result, '{quantity}', '1') WHERE kind = 'quota.settle'`,
    also: ['quota-outcome-moved-once'],
  },
  'branch-days-are-ledger': {
    does: `${COUNTED}; UPDATE statistics.branch_day SET cancelled_units = cancelled_units + 1 WHERE branch_id = ''`,
    undo: UNCOUNTED,
  },
  'product-days-are-ledger': {
    does: `${COUNTED}; DELETE FROM statistics.product_day WHERE product_id = 'oil'`,
    undo: UNCOUNTED,
  },
};

it.each(checks.map(({ name }) => name))('%s finds the damage that it checks for', async (name) => {
  const { does, undo, also = [] } = offences[name] ?? { does: '', undo: '' };
  await runDirectly(does);
  const report = await verify();
  await runDirectly(undo);
  expect(names(report).sort()).toEqual([name, ...also].sort());
  const found = brokenChecks(report).find((check) => check.name === name);
  expect(found?.first.length).toBeGreaterThan(0);
  expect(names(await verify())).toEqual([]);
});

it('finds an order line that was reserved twice', async () => {
  const rows = `SELECT product_id, location, 9, seq, at, 0, 3, on_hand, reserved, 9, bucket, movement, command_id
    FROM eco.movement WHERE product_id = 'tea' AND sequence = 2`;
  await group.asSuperuser(
    `INSERT INTO eco.movement_row (product_id, location, sequence, seq, at, on_hand_delta, reserved_delta, on_hand, reserved, n, bucket, movement, command_id) ${rows}`,
  );
  const report = await verify();
  await group.asSuperuser('DELETE FROM eco.movement_row WHERE sequence = 9');
  expect(names(report)).toEqual(
    expect.arrayContaining(['line-reserved-once', 'movement-has-cause', 'ledger-gap-free']),
  );
});
