import type { Address } from '@eco/base';
import { BrokerConnection, CommandPublisher } from '@eco/broker';
import { nextStamp, type Command, type Stamp } from '@eco/contracts';
import { brokenChecks, verifyGroup } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import {
  arrived,
  commandOf,
  eventually,
  fetchOf,
  publishRaw,
  saleOf,
  startTestCluster,
  WriterProcess,
  type TestCluster,
} from '@eco/testing';
import { readGauges } from '@eco/writer';

/*
 * Goal: what a branch reports through a real broker is booked by a real writer, once and in order. A malformed sale is a
 * dead letter, and the sales after it go on. A fork is booked, and the branch then gets no more units.
 */

const BRANCH = 'sucursal-1';
const USER = `branch.${BRANCH}` as const;

let cluster: TestCluster;
let reader: SideConnection;
let asWriter: SideConnection;
let writer: WriterProcess;
let central: CommandPublisher;
let branch: CommandPublisher;
const closing: { stop(): Promise<unknown> }[] = [];

const primary = () => cluster.groups[0]?.nodes[0] as Address;
const access = (user: 'central' | typeof USER) => ({
  brokers: cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort })),
  ...cluster.system.brokerLogin(user),
});

function publisherOf(user: 'central' | typeof USER): CommandPublisher {
  const connection = new BrokerConnection({ access: access(user), name: `spec ${user}` });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 30_000 });
  connection.start();
  publisher.start();
  closing.unshift(publisher, connection);
  return publisher;
}

beforeAll(async () => {
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 1 }], services: false });
  [central, branch] = [publisherOf('central'), publisherOf(USER)];
  reader = new SideConnection(primary(), cluster.system.databaseLogin('eco_operator'), 'spec');
  asWriter = new SideConnection(primary(), cluster.system.databaseLogin('eco_writer'), 'spec');
  writer = new WriterProcess(cluster, 'writer');
  writer.keepsRunning = true;
  writer.start();
  for (const publisher of [central, branch]) await eventually('a broker', () => publisher.obstacle === undefined);
  const product = { productId: 'tea', name: 'Tea', priceCents: 250, stock: 100, taxBasisPoints: 1600 };
  const create = commandOf('product.create', product);
  // A reply is lost if the writer that just started has no channel for replies yet. A repeat gets the same outcome.
  const created = await eventually('the product is there', () => ask(central, create, 15_000), { deadlineMs: 120_000 });
  expect(created).toMatchObject({ status: 'done' });
}, 180_000);

afterAll(async () => {
  await writer?.kill();
  for (const part of closing) await part.stop();
  reader?.close();
  asWriter?.close();
  await cluster?.destroy();
});

let stamp: Stamp | undefined;
/** The command as the branch sends it. */
function ofBranch(command: Command): Command {
  stamp = nextStamp(stamp, Date.now(), `${USER}.0a`);
  return { ...command, stamp };
}

async function ask(publisher: CommandPublisher, command: Command, waitMs = 60_000): Promise<unknown> {
  const { outcome, reply } = publisher.publishAndWait(command, { waitMs });
  expect(await outcome).toEqual({ type: 'confirmed' });
  return (await reply)?.reply;
}

const report = (one: { command: Command }) => ask(branch, ofBranch(one.command));
const rows = (sql: string, values: unknown[] = []) => reader.ask<Record<string, unknown>>(sql, values, 30_000);
const tea = (quantity: number) => [{ productId: 'tea', quantity }];
const entry = (sequence: number, incarnation = 1) => ({ branchId: BRANCH, incarnation, sequence });
const levels = async () => {
  const found = await reader.ask<{ location: string; on_hand: number }>(
    'SELECT location, on_hand::int FROM eco.stock_level',
    [],
    30_000,
  );
  return Object.fromEntries(found.map(({ location, on_hand }) => [location, on_hand]));
};
const violations = async () => brokenChecks(await verifyGroup(primary(), cluster.system.databaseLogin('eco_operator')));

it('books grants and sales of a branch in order, and a repeat has no effect', async () => {
  const grant = fetchOf(BRANCH, 'tea', 10);
  expect(await report(grant)).toMatchObject({ status: 'refused', result: { reason: 'branch-silent' } });
  expect(await report(arrived('branch.report', entry(1)))).toMatchObject({
    result: { incarnation: 1, isFrozen: false },
  });
  const second = fetchOf(BRANCH, 'tea', 10);
  expect(await report(second)).toMatchObject({ status: 'done', result: { quantity: 10 } });
  expect(await levels()).toEqual({ central: 90 });
  const acceptance = arrived('quota.accept', { ...entry(2), transferId: second.command.id, productId: 'tea' });
  expect(await report(acceptance)).toMatchObject({ result: { quantity: 10 } });
  const sales = [saleOf(entry(3), tea(2)), saleOf(entry(4), tea(3)), saleOf(entry(5), tea(1))];
  const sent = sales.map(({ command }) => ofBranch(command));
  const confirms = await Promise.all([...sent, ...sent].map((command) => branch.publish(command)));
  expect(new Set(confirms.map(({ type }) => type))).toEqual(new Set(['confirmed']));
  expect(await report(sales[2] as (typeof sales)[number])).toMatchObject({ status: 'done', repeated: true });
  expect(await levels()).toEqual({ central: 90, [BRANCH]: 4 });
  const booked = await rows(`SELECT sale_id, receipt_number, total_cents::int FROM eco.sale s JOIN eco.outcome u
    ON u.command_id = s.sale_id ORDER BY u.seq, u.n`);
  expect(booked).toEqual(
    sales.map(({ command }, index) => ({
      sale_id: command.id,
      receipt_number: `A-${BRANCH}-1-1-${index + 3}`,
      total_cents: [500, 750, 250][index],
    })),
  );
  expect(await violations()).toEqual([]);
});

it('makes a malformed sale a dead letter and books the next ones', async () => {
  const good = ofBranch(saleOf(entry(6), tea(1)).command);
  const malformed = { ...good, body: { ...good.body, lines: [{ productId: 'tea', quantity: 0.5 }] } };
  const other = ofBranch(saleOf(entry(7), tea(1)).command);
  const year0 = { ...other, body: { ...other.body, soldAt: '0000-01-01T00:00:00.000Z' } };
  for (const command of [malformed, year0]) {
    await publishRaw(access(USER), `orders.g1.${BRANCH}`, JSON.stringify({ version: 1, commands: [command] }));
  }
  expect(await report(saleOf(entry(8), tea(1)))).toMatchObject({ type: 'outcome', status: 'done' });
  await eventually('both are dead letters', async () => {
    const letters = await rows('SELECT command_id, error_class FROM eco.dead_letter ORDER BY seq');
    return letters.length === 2;
  });
  expect(await rows('SELECT command_id, error_class FROM eco.dead_letter ORDER BY command_id')).toEqual(
    [malformed.id, year0.id].sort().map((id) => ({ command_id: id, error_class: 'invalid' })),
  );
  expect(await levels()).toMatchObject({ [BRANCH]: 3 });
  expect(await violations()).toEqual([]);
});

it('books a void, what exceeds the quota, and a count', async () => {
  const sale = saleOf(entry(9), tea(5));
  expect(await report(sale)).toMatchObject({ result: { excess: [{ productId: 'tea', quantity: 2 }] } });
  const body = { ...entry(10), saleId: sale.command.id, voidedAt: new Date().toISOString(), reason: 'wrong' };
  expect(await report(arrived('sale.void', body))).toMatchObject({ status: 'done' });
  expect(await levels()).toMatchObject({ [BRANCH]: 3, [`${BRANCH}/discrepancy`]: 0 });
  await report(saleOf(entry(11), tea(4)));
  expect((await readGauges(asWriter)).branches).toMatchObject([{ branchId: BRANCH, isFrozen: false, discrepancy: 1 }]);
  const count = { ...entry(12), productId: 'tea', expected: 0, counted: 1, reason: 'found' };
  expect(await report(arrived('quota.count', count))).toMatchObject({ result: { delta: 1, excess: 0, settled: 1 } });
  expect(await levels()).toEqual({ central: 90, [BRANCH]: 1, [`${BRANCH}/discrepancy`]: 0 });
  expect(await violations()).toEqual([]);
});

it('books both entries of a fork and gives the branch nothing until a manager ends the freeze', async () => {
  expect(await report(saleOf(entry(12), tea(1)))).toMatchObject({ status: 'done', result: { excess: [] } });
  const frozen = { status: 'refused', result: { reason: 'branch-frozen' } };
  expect(await report(fetchOf(BRANCH, 'tea', 1))).toMatchObject(frozen);
  expect((await readGauges(asWriter)).branches).toMatchObject([{ branchId: BRANCH, isFrozen: true }]);
  const unfreeze = commandOf('branch.unfreeze', { branchId: BRANCH, reason: 'the copy was destroyed' });
  expect(await ask(central, unfreeze)).toMatchObject({ status: 'done' });
  expect(await report(fetchOf(BRANCH, 'tea', 1))).toMatchObject({ status: 'done', result: { quantity: 1 } });
  expect(await report(arrived('branch.report', entry(1, 2)))).toMatchObject({ result: { incarnation: 2 } });
  expect(await report(saleOf(entry(13), tea(1)))).toMatchObject({ result: { excess: [{ quantity: 1 }] } });
  expect(await report(fetchOf(BRANCH, 'tea', 1))).toMatchObject(frozen);
  expect(await violations()).toEqual([]);
});
