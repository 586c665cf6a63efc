import { open } from 'node:fs/promises';
import path from 'node:path';
import { headers } from '@eco/contracts';
import { ProblemError } from '@eco/service';
import { query, type ReadOptions } from '@eco/reads';
import { NO_POSITION, positionOf, type GroupPosition } from '@eco/routing';
import { commandOf, eventually } from '@eco/testing';
import { answered, headersOf } from '../http/read-answer.js';
import { productQuery } from '../products/product.query.js';
import { productNamed, startReadSystem, type ReadSystem } from './read-system.js';
import { Wire } from './wire.js';

/* Goal: every reader gets the right answer while some nodes are away. Each test leaves all nodes up. */

const PRODUCT = 'cafe-premium';
const anyone: ReadOptions = { position: NO_POSITION, waitMs: 0 };
const at = (position: GroupPosition): ReadOptions => ({ position: positionOf([position]), waitMs: 0 });
const within = (lagMsMax: number): ReadOptions => ({ position: NO_POSITION, lagMsMax, waitMs: 0 });
const within60s = { deadlineMs: 60_000 };

let system: ReadSystem;
let price = 100;

beforeAll(async () => {
  system = await startReadSystem();
  await system.write(productNamed(PRODUCT, price));
}, 180_000);
afterAll(async () => {
  await system?.stop();
});

function changePrice(): Promise<GroupPosition> {
  price += 1;
  return system.write(commandOf('product.update', { productId: PRODUCT, name: PRODUCT, priceCents: price }));
}

const ask = (options: ReadOptions) => system.reads.ofKey(PRODUCT, productQuery, [PRODUCT], options);
const read = async (options: ReadOptions) => answered(await ask(options));

/** The problem that the reader would get over HTTP. */
async function refusalOf(
  options: ReadOptions,
): Promise<{ status: number; problem: string; retryAfter: string | undefined }> {
  try {
    const { source } = await read(options);
    throw new Error(`${source.node} answered`);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { status: error.status, problem: error.problem, retryAfter: error.details.headers?.['Retry-After'] };
  }
}

const isReachable = (number: number) => system.reads.report()[number - 1]?.reachable === true;
const untilReachable = (...numbers: number[]) =>
  eventually(`nodes ${numbers.join()} are read again`, () => numbers.every(isReachable), within60s);

it('both replicas down: the primary answers every reader, whatever its budget', async () => {
  const position = await changePrice();
  await Promise.all([system.server(2).kill(), system.server(3).kill()]);
  for (let n = 0; n < 500; n += 1) {
    for (const options of [anyone, at(position), within(0)]) {
      const { source, rows } = await read(options);
      expect([source.role, rows[0]?.price_cents]).toEqual(['primary', price]);
    }
  }
  await Promise.all([system.server(2).start(), system.server(3).start()]);
  await untilReachable(2, 3);
});

it('both replicas stall, and are used again within seconds after they continue, under load', async () => {
  let over = false;
  const failures: unknown[] = [];
  const readers = Array.from({ length: 16 }, async () => {
    while (!over) {
      const answer = await system.reads.ofKey(PRODUCT, productQuery, [PRODUCT], anyone);
      if (answer.type !== 'answer') failures.push(answer);
    }
  });
  await Promise.all([system.server(2).pause(), system.server(3).pause()]);
  await eventually('both are seen as away', () => !isReachable(2) && !isReachable(3), within60s);
  await Promise.all([system.server(2).resume(), system.server(3).resume()]);
  const resumedMs = performance.now();
  await eventually('a replica answers', async () => (await read(anyone)).source.role === 'replica', within60s);
  console.log(`a replica answered ${Math.round(performance.now() - resumedMs)} ms after it went on`);
  await untilReachable(2, 3);
  over = true;
  await Promise.all(readers);
  expect(failures).toEqual([]);
});

it('primary down: replicas answer every reader that they cover; others are asked to retry', async () => {
  const position = await changePrice();
  await eventually('a replica shows it', async () => (await read(at(position))).source.role === 'replica', within60s);
  await system.server(1).pause();
  await eventually('the primary is seen as away', () => !isReachable(1), within60s);

  expect((await read(anyone)).source.role).toBe('replica');
  expect((await read(at(position))).rows[0]?.price_cents).toBe(price);
  const ahead = { ...position, seq: position.seq + 1_000 };
  expect(await refusalOf(at(ahead))).toEqual({ status: 503, problem: 'not-fresh', retryAfter: '1' });

  await system.server(1).resume();
  await untilReachable(1);
});

it('all down: every reader is asked to retry; all back: every reader is answered', async () => {
  const position = await changePrice();
  await Promise.all([1, 2, 3].map((number) => system.server(number).pause()));
  await eventually('all are seen as away', () => ![1, 2, 3].some(isReachable), within60s);
  for (const options of [anyone, at(position), within(1_000)]) {
    expect(await refusalOf(options)).toEqual({ status: 503, problem: 'no-node', retryAfter: '1' });
  }
  await Promise.all([1, 2, 3].map((number) => system.server(number).resume()));
  await untilReachable(1, 2, 3);
  for (const options of [anyone, at(position), within(1_000)]) {
    expect((await read(options)).rows[0]?.price_cents).toBe(price);
  }
});

it('all replicas late: the primary takes reads up to its budget, and beyond it only readers that require freshness are refused', async () => {
  for (const number of [2, 3]) await system.run(number, 'SELECT pg_wal_replay_pause()');
  const before = price;
  const position = await changePrice();
  expect((await read(at(position))).source.role).toBe('primary');
  await eventually('the replicas are late', async () => (await read(anyone)).source.role === 'primary', within60s);

  // During a storm the primary takes the fixed number per second and a fifth of the reads, and no more.
  const answers: Awaited<ReturnType<typeof ask>>[] = [];
  for (let round = 0; round < 4; round += 1) {
    answers.push(
      ...(await Promise.all(Array.from({ length: 500 }, (_, n) => ask(n % 2 === 0 ? anyone : at(position))))),
    );
  }
  for (const number of [2, 3]) await system.run(number, 'SELECT pg_wal_replay_resume()');
  const byPrimary = answers.filter((answer) => answer.type === 'answer' && answer.source.role === 'primary').length;
  const refused = answers.filter((answer) => answer.type !== 'answer');
  expect(byPrimary).toBeLessThan(1_500);
  expect(new Set(refused.map(({ type }) => type))).toEqual(new Set(['not-fresh']));
  answers.forEach((answer, n) => {
    if (n % 2 === 0) expect(answer.type).toBe('answer');
    if (answer.type === 'answer' && answer.source.role === 'replica') {
      expect([answer.rows[0]?.price_cents, (answer.source.lagMs ?? 0) > 2_000]).toEqual([before, true]);
    }
  });
});

it('a replica that receives no log is seen as broken and avoided', async () => {
  await system.run(3, `ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'`, 'SELECT pg_reload_conf()');
  const report = () => system.reads.report()[2];
  await eventually('the replica is seen as broken', () => report()?.replication?.follows === false, within60s);
  expect(report()).toMatchObject({ reachable: true, role: 'replica' });
  for (let n = 0; n < 200; n += 1) expect((await read(anyone)).source.node).not.toBe('g1-3');

  await system.run(3, 'ALTER SYSTEM RESET primary_conninfo', 'SELECT pg_reload_conf()');
  await eventually('it follows again', () => report()?.replication?.follows === true, within60s);
  // A single reader would always use the faster replica.
  const readers = () => Promise.all(Array.from({ length: 64 }, () => read(anyone)));
  await eventually(
    'it is read again',
    async () => (await readers()).some(({ source }) => source.node === 'g1-3'),
    within60s,
  );
});

/** Number of reads so far that were repeated on another node, by the SQLSTATE of this node's failure. */
async function retriesOf(
  node: string,
  sqlState: string,
  { registry }: Pick<ReadSystem, 'registry'> = system,
): Promise<number> {
  const { values = [] } = (await registry.getSingleMetric('eco_read_retries_total')?.get()) ?? {};
  const found = values.find(({ labels }) => labels['node'] === node && labels['sqlstate'] === sqlState);
  return found?.value ?? 0;
}

it('one damaged page on one replica: no read fails, and the replica is avoided', async () => {
  // The file has the whole page, and no log is left that a restart would replay over it.
  await system.run(1, 'CHECKPOINT');
  const position = await changePrice();
  await eventually(
    'the replica shows it',
    async () => {
      const [row] = await system.group.asSuperuser<{ seq: string }>(
        'SELECT seq FROM eco.group_state',
        [],
        system.server(2),
      );
      return Number(row?.seq) >= position.seq;
    },
    within60s,
  );
  await system.run(1, 'CHECKPOINT');
  const [file] = await system.group.asSuperuser<{ folder: string; name: string }>(
    `SELECT current_setting('data_directory') AS folder, pg_relation_filepath('eco.product') AS name`,
    [],
    system.server(2),
  );
  if (file === undefined) throw new Error('the table has no file');
  const whole = await damage(path.join(file.folder, file.name));
  await untilReachable(2);

  await eventually(
    'the damaged page is read',
    async () => {
      const all = await Promise.all(Array.from({ length: 64 }, () => ask(anyone)));
      for (const answer of all) expect(answer).toMatchObject({ type: 'answer', rows: [{ product_id: PRODUCT }] });
      return (await retriesOf('g1-2', 'XX001')) > 0;
    },
    within60s,
  );
  const before = await retriesOf('g1-2', 'XX001');
  for (let n = 0; n < 200; n += 1) expect((await read(anyone)).rows).toHaveLength(1);
  expect((await retriesOf('g1-2', 'XX001')) - before).toBeLessThan(100);

  await whole();
  await untilReachable(2);

  /** Damages the page like a disk, while the server is down. Returns a function that repairs it. */
  async function damage(name: string): Promise<() => Promise<void>> {
    const kept = Buffer.alloc(64);
    const place = 4_096;
    const write = async (bytes: Buffer) => {
      await system.run(2, 'CHECKPOINT');
      await system.server(2).stop();
      const handle = await open(name, 'r+');
      if (bytes !== kept) await handle.read(kept, 0, kept.length, place);
      await handle.write(bytes, 0, bytes.length, place);
      await handle.close();
      await system.server(2).start();
    };
    await write(Buffer.alloc(64, 0xa5));
    return () => write(kept);
  }
});

it('cut off from the primary with one replica: the lag grows, and reads that require freshness are refused', async () => {
  const wires = await Promise.all([1, 2].map((number) => Wire.to(system.server(number))));
  const nodes = [...wires.map(({ address }) => address), system.server(3)];
  const settings = { probeEveryMs: 200, freshWaitMs: 200 };
  const { reads, registry } = await system.startReads(settings, nodes);
  const askThere = (options: ReadOptions, there = reads) => there.ofKey(PRODUCT, productQuery, [PRODUCT], options);
  const before = price;
  await eventually(
    'the answer is reported as fresh',
    async () => (await askThere(within(500))).type === 'answer',
    within60s,
  );

  await system.run(3, `ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'`, 'SELECT pg_reload_conf()');
  await eventually('g1-3 is cut off', () => system.reads.report()[2]?.replication?.follows === false, within60s);
  for (const wire of wires) wire.cut();
  for (let n = 0; n < 3; n += 1) await changePrice();
  const changedMs = performance.now();
  const seen = await eventually(
    'the lag is reported',
    async () => {
      const answer = answered(await askThere(anyone));
      expect(answer.source.node).toBe('g1-3');
      return (answer.source.lagMs ?? 0) > 3_000 ? answer : undefined;
    },
    within60s,
  );
  expect(seen.rows[0]?.price_cents).toBe(before);
  expect(seen.source.lagMs).toBeGreaterThanOrEqual(performance.now() - changedMs - 2_000);
  expect(await askThere(within(500))).toMatchObject({ type: 'not-fresh' });
  expect(await registry.metrics()).toMatch(/eco_read_node_lag_seconds\{node="g1-3",role="replica"\} ([3-9]|\d\d)/);

  // A process that starts now has nothing to compare with.
  const late = await system.startReads(settings, nodes);
  const answer = await eventually(
    'the replica answers',
    async () => {
      const given = await askThere(anyone, late.reads);
      return given.type === 'answer' ? given : undefined;
    },
    within60s,
  );
  expect(headersOf([answer.source], anyone)).toMatchObject({ [headers.lagMs]: 'unknown' });
  expect(await askThere(within(999_999_999), late.reads)).toMatchObject({ type: 'not-fresh' });
  expect(await late.registry.metrics()).toContain('eco_read_node_lag_seconds{node="g1-3",role="replica"} +Inf');

  await system.run(3, 'ALTER SYSTEM RESET primary_conninfo', 'SELECT pg_reload_conf()');
  await eventually('it follows again', () => system.reads.report()[2]?.replication?.follows === true, within60s);
});

const report = query<{ n: number }>({ name: 'report', rows: 'SELECT 1 AS n, pg_sleep(1.2)', pace: 'slow' });

// ASVS 5.0: 15.2.2
it('six clients of a slow report: no other read fails or loses its connection, and excess reports are refused', async () => {
  const { reads, registry } = await system.startReads();
  const askReport = () => reads.ofGroup('g1', report, [], anyone);
  let over = false;
  const reports = Array.from({ length: 6 }, async () => {
    let answers = 0;
    while (!over) if ((await askReport()).type === 'answer') answers += 1;
    return answers;
  });
  try {
    const reading = Array.from({ length: 8 }, async () => {
      for (let n = 0; n < 500; n += 1) {
        const answer = await reads.ofKey(PRODUCT, productQuery, [PRODUCT], anyone);
        expect(answer).toMatchObject({ type: 'answer', rows: [{ product_id: PRODUCT }] });
      }
    });
    await Promise.all(reading);
    // More reports than can run and wait on both replicas together.
    const many = await Promise.all(Array.from({ length: 16 }, askReport));
    expect(new Set(many.map(({ type }) => type))).toEqual(new Set(['answer', 'too-busy']));
  } finally {
    over = true;
  }
  expect((await Promise.all(reports)).reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  for (const node of ['g1-1', 'g1-2', 'g1-3']) expect(await retriesOf(node, 'connection', { registry })).toBe(0);
});
