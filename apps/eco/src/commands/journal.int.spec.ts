import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { manage } from '@eco/broker';
import { PROJECT_DIR } from '@eco/cluster';
import { Journal } from '@eco/journal';
import { eventually, startTestCluster, type TestCluster } from '@eco/testing';

/*
 * `eco journal` from outside, with one broker. The commands that an ended process left behind reach their queue, once
 * and in order.
 */

const ECO = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');

let cluster: TestCluster;
let dir: string;

beforeAll(async () => {
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 0 }], services: false });
  dir = path.join(cluster.dataDir, 'journals');
}, 180_000);
afterAll(() => cluster.destroy());

function eco(...args: string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ECO, 'journal', ...args, '--data', cluster.dataDir], {
    encoding: 'utf8',
  });
  return { code: status, text: stdout + stderr };
}

function management(method: string, at: string, body?: unknown): Promise<unknown> {
  const access = { url: cluster.brokers[0]?.managementUrl ?? '', ...cluster.system.brokerLogin('topology') };
  return manage(access, `/api${at}`, { method, body });
}

/** Takes all commands out of the queue; returns their ids. */
async function idsIn(queue: string): Promise<number[]> {
  const got = await management('POST', `/queues/ecomarket/${queue}/get`, {
    count: 1000,
    ackmode: 'ack_requeue_false',
    encoding: 'auto',
  });
  return (got as { payload: string }[]).flatMap(({ payload }) =>
    (JSON.parse(payload) as { commands: { id: number }[] }).commands.map(({ id }) => id),
  );
}

/** A journal as an ended process leaves it. */
async function leaveBehind(name: string, queue: string, count: number): Promise<void> {
  const journal = new Journal({ dir, name, limitBytes: 1024 * 1024 });
  await Promise.all(
    Array.from({ length: count }, (_, id) => journal.append({ queue, id: String(id), text: JSON.stringify({ id }) })),
  );
  journal.close();
}

it('reports that there is no journal', () => {
  expect(eco()).toEqual({ code: 0, text: `no journal is in ${dir}\n` });
});

it('shows depth and age of each, and drains an orphaned one to the brokers', async () => {
  await leaveBehind('central-gone', 'orders.g1', 600);
  expect(eco().text).toMatch(/central-gone +│ orphaned │ +600 │ +\d+ s │/);
  expect(JSON.parse(eco('--json').text)).toMatchObject({
    dir,
    journals: [{ name: 'central-gone', inUse: false, depth: 600, setAside: [] }],
  });
  expect(eco('drain', 'central-gone')).toEqual({
    code: 0,
    text: 'central-gone: the brokers have confirmed 600\n',
  });
  expect(await idsIn('orders.g1')).toEqual(Array.from({ length: 600 }, (_, id) => id));
  expect(eco('drain', 'central-gone').text).toMatch(/have confirmed 0$/m);
});

it('refuses a journal that is in use, and a missing one, in one line', () => {
  const journal = new Journal({ dir, name: 'central-here', limitBytes: 1024 });
  try {
    const { code, text } = eco('drain', 'central-here');
    expect([code, text]).toEqual([
      2,
      `error: the journal ${dir}/central-here.journal is in use by the process central-here: that one empties it\n`,
    ]);
    expect(eco().text).toMatch(/central-here +│ in use/);
  } finally {
    journal.close();
  }
  expect(eco('drain', 'nobody')).toMatchObject({
    code: 2,
    text: expect.stringMatching(/^error: no journal "nobody"/) as string,
  });
});

it('ends with 1 if something is left, and states why', async () => {
  await leaveBehind('central-lost', 'orders.nowhere', 3);
  expect(eco('drain', 'central-lost', '--limit', '5')).toEqual({
    code: 1,
    text: 'central-lost: the brokers have confirmed 0, 3 wait (orders.nowhere: no queue takes it)\n',
  });
  await cluster.brokers[0]?.stop();
  const { code, text } = eco('drain', 'central-lost', '--limit', '2');
  expect([code, text]).toEqual([1, expect.stringMatching(/3 wait \(no connection to a broker/)]);
  await cluster.brokers[0]?.start();
  await eventually('the queue can be made', () =>
    management('PUT', '/queues/ecomarket/orders.nowhere', { durable: true }).then(() => true),
  );
  await management('POST', '/bindings/ecomarket/e/ecomarket.commands/q/orders.nowhere', {
    routing_key: 'orders.nowhere',
  });
  expect(eco('drain', 'central-lost')).toMatchObject({ code: 0 });
  expect(await idsIn('orders.nowhere')).toEqual([0, 1, 2]);
});
