import type { Log } from '@eco/base';
import { positionOf, NO_POSITION, type GroupPosition } from '@eco/routing';
import { BatchWriter, commandOf, eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { Registry } from 'prom-client';
import type { GroupAnswer, ReadOptions } from './answer.js';
import { query } from './query.js';
import { Reads } from './reads.js';
import type { ReadSettings } from './settings.js';

const PRODUCT = 'cafe-premium';
const anyone: ReadOptions = { position: NO_POSITION, waitMs: 0 };
const at = (position: GroupPosition): ReadOptions => ({ position: positionOf([position]), waitMs: 0 });

const ignore = () => undefined;
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, isLevelEnabled: () => false };

// One group for all tests, because servers take seconds to start: each test restores it, and the last one takes it
// apart.
let group: DatabaseGroup;
let writer: BatchWriter;
let reads: Reads;
let price = 100;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 2 });
  writer = await BatchWriter.open(group);
  await writer.write(
    commandOf('product.create', { productId: PRODUCT, name: 'Café Premium', priceCents: price, stock: 5 }),
  );
  reads = await startReads();
}, 120_000);
afterAll(async () => {
  reads?.stop();
  await writer?.close();
  await group?.stop();
});

async function startReads(settings: Partial<ReadSettings> = {}): Promise<Reads> {
  const started = new Reads({
    groups: [{ id: group.id, nodes: group.servers.map(({ host, port }) => ({ host, port })) }],
    login: group.login('eco_reader'),
    applicationName: 'spec',
    log,
    registry: new Registry(),
    settings: { probeEveryMs: 100, ...settings },
  });
  await started.start();
  return started;
}

interface ProductRow {
  price_cents: number;
}
const productQuery = query<ProductRow>({
  name: 'product',
  rows: 'SELECT p.price_cents::float8 AS price_cents FROM eco.product p WHERE p.product_id = $1 AND NOT p.deleted',
});
const read = (options: ReadOptions) => reads.ofKey(PRODUCT, productQuery, [PRODUCT], options);

async function readAnswer(options: ReadOptions): Promise<GroupAnswer<ProductRow, unknown>> {
  const answer = await read(options);
  if (answer.type !== 'answer') throw new Error(`no answer: ${JSON.stringify(answer)}`);
  return answer;
}

/** Changes the price; returns the group's position afterwards. */
async function changePrice(): Promise<GroupPosition> {
  price += 1;
  const written = await writer.write(
    commandOf('product.update', { productId: PRODUCT, name: 'Café Premium', priceCents: price }),
  );
  return written.position;
}

const server = (number: number) => {
  const found = group.servers[number - 1];
  if (found === undefined) throw new Error(`there is no server ${number}`);
  return found;
};
/**
 * Runs SQL on a server. The statements are repeated after a failure, because only a query notices a connection that a
 * kill has broken.
 */
const runSql = (number: number, ...statements: string[]) =>
  eventually(`server ${number} follows the order`, async () => {
    for (const statement of statements) await group.asSuperuser(statement, [], server(number));
    return true;
  });
const pauseReplay = (number: number) => runSql(number, 'SELECT pg_wal_replay_pause()');
const resumeReplay = (number: number) => runSql(number, 'SELECT pg_wal_replay_resume()');
/** Settles when both replicas show this position. */
const untilReplayed = ({ seq }: GroupPosition) =>
  Promise.all(
    [2, 3].map((number) =>
      eventually(`server ${number} has replayed batch ${seq}`, async () => {
        const text = 'SELECT seq FROM eco.group_state';
        const [row] = await group.asSuperuser<{ seq: string }>(text, [], server(number));
        return Number(row?.seq) >= seq;
      }),
    ),
  );
const roles = () => reads.report().map(({ role, reachable }) => (reachable ? role : 'away'));

it('replicas share the reads, each answer has its position, and the primary is spared', async () => {
  const position = await changePrice();
  // The primary answers a reader for whom no replica is far enough within 100 ms.
  await untilReplayed(position);
  const answers: Awaited<ReturnType<typeof readAnswer>>[] = [];
  await eventually('both replicas have answered', async () => {
    answers.push(...(await Promise.all(Array.from({ length: 50 }, () => readAnswer(at(position))))));
    return new Set(answers.map(({ source }) => source.node)).size === 2;
  });
  for (const { rows, source } of answers) {
    expect(rows[0]?.price_cents).toBe(price);
    expect(source).toMatchObject({ role: 'replica', position });
  }
});

it('a reader sees its own writes at once, nearly always from a replica', async () => {
  let byReplicas = 0;
  for (let round = 0; round < 100; round += 1) {
    const position = await changePrice();
    const { rows, source } = await readAnswer(at(position));
    expect(rows[0]?.price_cents).toBe(price);
    if (source.role === 'replica') byReplicas += 1;
  }
  expect(byReplicas).toBeGreaterThanOrEqual(90);
});

it('if no replica reaches the position, the primary answers; other readers get the replica and its lag', async () => {
  await Promise.all([pauseReplay(2), pauseReplay(3)]);
  const before = price;
  const position = await changePrice();

  const fresh = await readAnswer(at(position));
  expect(fresh.source).toMatchObject({ node: 'g1-1', role: 'primary', lagMs: 0, position });
  expect(fresh.rows[0]?.price_cents).toBe(price);

  const stale = await readAnswer(anyone);
  expect(stale.source.role).toBe('replica');
  expect(stale.rows[0]?.price_cents).toBe(before);
  await eventually('the replica is reported as late', async () => ((await readAnswer(anyone)).source.lagMs ?? 0) > 100);

  // Beyond the limit the freshest node answers every reader.
  await eventually('the primary answers anyone', async () => (await readAnswer(anyone)).source.role === 'primary');

  await Promise.all([resumeReplay(2), resumeReplay(3)]);
  await eventually('replicas answer again', async () => (await readAnswer(at(position))).source.role === 'replica');
});

it('with the primary gone and replicas behind, only a reader that asked for freshness is refused', async () => {
  await Promise.all([pauseReplay(2), pauseReplay(3)]);
  const before = price;
  const position = await changePrice();
  await server(1).pause();

  expect(await read(at(position))).toEqual({ type: 'not-fresh', group: 'g1', wanted: position });
  expect((await readAnswer(anyone)).rows[0]?.price_cents).toBe(before);

  await server(1).resume();
  await Promise.all([resumeReplay(2), resumeReplay(3)]);
  await eventually(
    'replicas are as fresh as that',
    async () => (await readAnswer(at(position))).source.role === 'replica',
  );
});

it('a replica that is killed and restarted, or stalls and continues, fails no read', async () => {
  let stop = false;
  const failures: unknown[] = [];
  let answers = 0;
  const readers = Array.from({ length: 8 }, async () => {
    while (!stop) {
      const answer = await read(anyone);
      answers += 1;
      if (answer.type !== 'answer' || answer.rows.length !== 1) failures.push(answer);
    }
  });

  await server(2).kill();
  await eventually('the replica is seen as away', () => roles()[1] === 'away');
  await server(2).start();
  await eventually('the replica is back', () => roles()[1] === 'replica');

  await server(3).pause();
  await eventually('the stalled replica is seen as away', () => roles()[2] === 'away');
  await server(3).resume();
  await eventually('the replica continues', () => roles()[2] === 'replica');

  stop = true;
  await Promise.all(readers);
  expect(failures).toEqual([]);
  expect(answers).toBeGreaterThan(100);
});

it('a recovery conflict on one replica is answered by another node', async () => {
  const { metrics } = await conflictOn(2);
  expect(metrics).toMatch(/eco_read_retries_total\{node="g1-2",sqlstate="40001"\} [1-9]/);

  /** Readers run a long statement, and replay needs a table lock: recovery cancels the statement. */
  async function conflictOn(number: number) {
    const registry = new Registry();
    const only = new Reads({
      groups: [{ id: group.id, nodes: [server(1), server(number)].map(({ host, port }) => ({ host, port })) }],
      login: group.login('eco_reader'),
      applicationName: 'spec',
      log,
      registry,
      // The statement has to run on the replica until the lock gets there.
      settings: { statementTimeoutMs: 30_000, queryTimeoutMs: 40_000, deadlineMs: 50_000 },
    });
    await only.start();
    await runSql(number, `ALTER SYSTEM SET max_standby_streaming_delay = 0`, 'SELECT pg_reload_conf()');
    const slow = {
      statement: {
        name: 'slow',
        text: `SELECT concat_ws(' ', s.term, s.tag, s.seq, 0, pg_is_in_recovery()) AS state, true AS found
               FROM eco.group_state s, eco.product p, pg_sleep(CASE WHEN pg_is_in_recovery() THEN 20 ELSE 0 END)`,
      },
    };
    const answer = only.ofKey(PRODUCT, slow, [], anyone);
    await eventually('the statement runs on the replica', async () => {
      const running = await group.asSuperuser(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'`,
        [],
        server(number),
      );
      return running.length > 0;
    });
    await runSql(1, 'DO $$ BEGIN LOCK TABLE eco.product IN ACCESS EXCLUSIVE MODE; END $$');
    const { type } = await answer;
    only.stop();
    await runSql(number, `ALTER SYSTEM RESET max_standby_streaming_delay`, 'SELECT pg_reload_conf()');
    expect(type).toBe('answer');
    return { metrics: await registry.metrics() };
  }
});

/** Separate reads, so that their observations of the nodes do not affect other tests. */
async function withReads<T>(
  settings: Partial<ReadSettings>,
  numbers: readonly number[],
  work: (reads: Reads, retriesOf: (node: string, sqlState: string) => Promise<number>) => Promise<T>,
): Promise<T> {
  const registry = new Registry();
  const started = new Reads({
    groups: [{ id: group.id, nodes: numbers.map(server).map(({ host, port }) => ({ host, port })) }],
    login: group.login('eco_reader'),
    applicationName: 'spec',
    log,
    registry,
    settings: { probeEveryMs: 100, ...settings },
  });
  await started.start();
  try {
    return await work(started, async (node, sqlState) => {
      const { values = [] } = (await registry.getSingleMetric('eco_read_retries_total')?.get()) ?? {};
      return values.find(({ labels }) => labels['node'] === node && labels['sqlstate'] === sqlState)?.value ?? 0;
    });
  } finally {
    started.stop();
  }
}

describe('a statement that a node refuses', () => {
  // $1 SQLSTATE, $2 ports that refuse.
  const refused = query<{ n: number }>({ name: 'refused', rows: 'SELECT eco.spec_refuse($1, $2) AS n' });
  const portsOf = (...numbers: number[]) => numbers.map((number) => server(number).port);
  const ask = (of: Reads, sqlState: string, ...numbers: number[]) =>
    of.ofGroup('g1', refused, [sqlState, portsOf(...numbers)], anyone);

  beforeAll(async () => {
    await runSql(
      1,
      `CREATE FUNCTION eco.spec_refuse(code text, ports integer[]) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
         IF current_setting('port')::integer = ANY (ports) THEN RAISE EXCEPTION 'as asked' USING ERRCODE = code; END IF;
         RETURN 1;
       END $$`,
      'GRANT EXECUTE ON FUNCTION eco.spec_refuse TO eco_reader',
    );
    const position = await changePrice();
    await eventually('replicas have it', async () => (await readAnswer(at(position))).source.role === 'replica');
    await Promise.all(
      [2, 3].map((number) =>
        eventually(`server ${number} has it`, async () => {
          const asked = `SELECT 1 FROM pg_proc WHERE proname = 'spec_refuse'`;
          return (await group.asSuperuser(asked, [], server(number))).length > 0;
        }),
      ),
    );
  });

  it.each([
    ['a damaged page', 'XX001'],
    ['a bug of the server', 'XX000'],
    ['a table that a migration has yet to bring', '42P01'],
    ['a column that a migration has yet to bring', '42703'],
    ['a right that was revoked', '42501'],
    ['no memory', '53200'],
    ['no disk for sorting', '53100'],
    ['a disk that fails', '58030'],
    ['too deep for it', '54001'],
    ['a lock that it does not get', '55P03'],
    ['a recovery conflict', '40001'],
  ])('%s (%s): another node answers, and no other read loses its connection', async (_what, sqlState) => {
    await withReads({}, [1, 2, 3], async (of, retriesOf) => {
      await eventually('the node is asked', async () => {
        const answers = await Promise.all(Array.from({ length: 32 }, () => ask(of, sqlState, 2)));
        expect(answers.map(({ type }) => type)).toEqual(answers.map(() => 'answer'));
        return (await retriesOf('g1-2', sqlState)) > 0;
      });
      expect(await retriesOf('g1-2', 'connection')).toBe(0);
    });
  });

  it('costs the node its preference: later reads rarely use it', async () => {
    await withReads({}, [1, 2, 3], async (of, retriesOf) => {
      await eventually('the node is asked', async () => {
        await Promise.all(Array.from({ length: 32 }, () => ask(of, 'XX001', 2)));
        return (await retriesOf('g1-2', 'XX001')) > 0;
      });
      const before = await retriesOf('g1-2', 'XX001');
      for (let n = 0; n < 100; n += 1) expect((await ask(of, 'XX001', 2)).type).toBe('answer');
      expect((await retriesOf('g1-2', 'XX001')) - before).toBeLessThan(50);
    });
  });

  it('counts as wrong if all nodes refuse it the same way, and the nodes are still read', async () => {
    await withReads({}, [1, 2, 3], async (of) => {
      await expect(ask(of, '42P01', 1, 2, 3)).rejects.toMatchObject({ name: 'ReadError', sqlState: '42P01' });
      // Both replicas may lack a migration that the primary has.
      expect(await ask(of, '42P01', 2, 3)).toMatchObject({ type: 'answer', source: { node: 'g1-1' } });
      expect((await of.ofKey(PRODUCT, productQuery, [PRODUCT], anyone)).type).toBe('answer');
    });
  });

  it('counts as wrong at once with a single node, unless that node only lacks memory', async () => {
    await withReads({ deadlineMs: 300 }, [1], async (of) => {
      await expect(ask(of, 'XX001', 1)).rejects.toMatchObject({ name: 'ReadError', sqlState: 'XX001' });
      expect(await ask(of, '53200', 1)).toEqual({ type: 'no-node', fault: 'group g1: g1-1: as asked' });
      expect(await ask(of, 'XX001')).toMatchObject({ type: 'answer' });
    });
  });

  it("counts as the client's error if it concerns values of the request (class 22)", async () => {
    await withReads({}, [1, 2, 3], async (of, retriesOf) => {
      const answer = await of.ofKey(PRODUCT, productQuery, ['a\u0000b'], anyone);
      expect(answer).toMatchObject({ type: 'bad-value' });
      expect(await of.ofPrimary('g1', productQuery, ['a\u0000b'])).toMatchObject({ type: 'bad-value' });
      expect(await ask(of, '22008', 1, 2, 3)).toEqual({ type: 'bad-value', reason: 'as asked' });
      for (const node of ['g1-1', 'g1-2', 'g1-3']) expect(await retriesOf(node, '22008')).toBeLessThanOrEqual(1);
    });
  });

  it('for taking too long is retried on one other node, and a slow read on none', async () => {
    const sleep = { name: 'sleep', rows: 'SELECT 1 AS n, pg_sleep(60)' };
    await withReads({ statementTimeoutMs: 200, slowStatementTimeoutMs: 200 }, [1, 2, 3], async (of, retriesOf) => {
      const timeouts = async () =>
        (await Promise.all(['g1-1', 'g1-2', 'g1-3'].map((node) => retriesOf(node, '57014')))).reduce((a, b) => a + b);
      expect(await of.ofGroup('g1', query(sleep), [], anyone)).toMatchObject({ type: 'too-slow' });
      expect(await timeouts()).toBe(2);
      const slow = query({ ...sleep, name: 'sleep-slow', pace: 'slow' });
      expect(await of.ofGroup('g1', slow, [], anyone)).toMatchObject({ type: 'too-slow' });
      expect(await timeouts()).toBe(3);
    });
  });

  it('because a migration changed a column is prepared again', async () => {
    await runSql(1, 'CREATE TABLE eco.spec_stale (n integer)', 'GRANT SELECT ON eco.spec_stale TO eco_reader');
    const stale = query<{ n: unknown }>({ name: 'stale', rows: 'SELECT max(s.n) AS n FROM eco.spec_stale s' });
    await withReads({}, [1], async (of) => {
      expect((await of.ofGroup('g1', stale, [], anyone)).type).toBe('answer');
      await runSql(1, 'ALTER TABLE eco.spec_stale ALTER COLUMN n TYPE bigint');
      for (let n = 0; n < 8; n += 1) expect((await of.ofGroup('g1', stale, [], anyone)).type).toBe('answer');
    });
    await runSql(1, 'DROP TABLE eco.spec_stale');
  });
});

it('after a promotion reads follow the new primary, and distinguish covered from lost positions', async () => {
  const kept = await changePrice();
  // One of the two replicas suffices for a commit, and this one will be the primary.
  await eventually('g1-2 has it', async () => {
    const sql = 'SELECT price_cents FROM eco.product WHERE product_id = $1';
    const [row] = await group.asSuperuser<{ price_cents: string }>(sql, [PRODUCT], server(2));
    return Number(row?.price_cents) === price;
  });
  // One batch that no replica receives: it commits because it waits for none, and is lost with its machine.
  await runSql(1, `ALTER SYSTEM SET synchronous_standby_names = ''`, 'SELECT pg_reload_conf()');
  await eventually('nobody waits for a replica', async () => {
    const [row] = await group.asSuperuser<{ names: string }>(
      `SELECT current_setting('synchronous_standby_names') AS names`,
    );
    return row?.names === '';
  });
  await server(2).kill();
  await server(3).kill();
  const keptPrice = price;
  // The batch begins a leadership that no replica learns about.
  await writer.close();
  writer = await BatchWriter.open(group);
  const lost = await changePrice();
  expect((await readAnswer(at(lost))).source).toMatchObject({ node: 'g1-1', position: lost });
  for (let n = 0; n < 20; n += 1) await changePrice();
  await readAnswer(at(await changePrice()));
  await server(1).kill();
  await Promise.all([server(2).start(), server(3).start()]);

  await eventually('the replicas answer', () => roles().join() === 'away,replica,replica');
  expect(await read(at(lost))).toMatchObject({ type: 'not-fresh' });

  // With one replica and no other node the new primary waits for none.
  await runSql(2, `ALTER SYSTEM SET synchronous_standby_names = ''`, 'SELECT pg_reload_conf()');
  await server(2).promote();
  await eventually('the new primary is found', () => roles()[1] === 'primary');
  await writer.close();
  writer = await BatchWriter.open(group, server(2));
  expect(await read(at(lost))).toEqual({ type: 'position-lost', group: 'g1', wanted: lost });
  const answer = await readAnswer(at(kept));
  expect(answer.rows[0]?.price_cents).toBe(keptPrice);

  price = keptPrice;
  const next = await changePrice();
  expect([next.term, next.seq]).toEqual([lost.term, lost.seq]);
  expect((await readAnswer(at(next))).source).toMatchObject({ node: 'g1-2', role: 'primary', position: next });

  // No batch may be written here, because it could reuse the lost numbers. Heartbeats show that the group moves.
  const atMs = async () => {
    const [row] = await group.asSuperuser<{ at: Date }>('SELECT at FROM eco.group_state', [], server(2));
    return row?.at.getTime() ?? 0;
  };
  const sinceMs = await atMs();
  await eventually('the group has moved for 6 s', async () => (await atMs()) - sinceMs > 6_000);
  expect(reads.standstill(PRODUCT)).toBeUndefined();
});
