import { createLog } from '@eco/edge';
import { positionOf, NO_POSITION, type GroupPosition } from '@eco/routing';
import { BatchWriter, commandOf, eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { Registry } from 'prom-client';
import type { GroupAnswer, Reader } from './group-reader.js';
import { productQuery, type ProductRow } from './queries/product/product.query.js';
import { Reads } from './reads.js';
import type { ReadSettings } from './settings.js';

const PRODUCT = 'cafe-premium';
const anyone: Reader = { position: NO_POSITION, waitMs: 0 };
const at = (position: GroupPosition): Reader => ({ position: positionOf([position]), waitMs: 0 });

// One group for all of these, since servers cost seconds: each test leaves it as it was, and the last one takes it apart.
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
    log: createLog({ name: 'spec', logLevel: 'silent' }),
    registry: new Registry(),
    settings: { probeEveryMs: 100, ...settings },
  });
  await started.start();
  return started;
}

const read = (reader: Reader) => reads.ofKey(PRODUCT, productQuery, [PRODUCT], reader);

async function readAnswer(reader: Reader): Promise<GroupAnswer<ProductRow, unknown>> {
  const answer = await read(reader);
  if (answer.type !== 'answer') throw new Error(`no answer: ${JSON.stringify(answer)}`);
  return answer;
}

/** Changes the price; gives where the group is then. */
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
/** Whatever may be said twice: the connection that a kill broke is noticed by the first. */
const tell = (number: number, ...statements: string[]) =>
  eventually(`server ${number} does as it is told`, async () => {
    for (const statement of statements) await group.asSuperuser(statement, [], server(number));
    return true;
  });
const pauseReplay = (number: number) => tell(number, 'SELECT pg_wal_replay_pause()');
const resumeReplay = (number: number) => tell(number, 'SELECT pg_wal_replay_resume()');
const roles = () => reads.report().map(({ role, reachable }) => (reachable ? role : 'away'));

it('replicas share the reads, each answer with its position, and the primary is left alone', async () => {
  const position = await changePrice();
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

it('a reader sees what it wrote, at once, and nearly always from a replica', async () => {
  let byReplicas = 0;
  for (let round = 0; round < 100; round += 1) {
    const position = await changePrice();
    const { rows, source } = await readAnswer(at(position));
    expect(rows[0]?.price_cents).toBe(price);
    if (source.role === 'replica') byReplicas += 1;
  }
  expect(byReplicas).toBeGreaterThanOrEqual(90);
});

it('when no replica comes up to the position, the primary answers; anyone else is told how late the replica is', async () => {
  await Promise.all([pauseReplay(2), pauseReplay(3)]);
  const before = price;
  const position = await changePrice();

  const fresh = await readAnswer(at(position));
  expect(fresh.source).toMatchObject({ node: 'g1-1', role: 'primary', lagMs: 0, position });
  expect(fresh.rows[0]?.price_cents).toBe(price);

  const stale = await readAnswer(anyone);
  expect(stale.source.role).toBe('replica');
  expect(stale.rows[0]?.price_cents).toBe(before);
  await eventually('the replica is told to be late', async () => ((await readAnswer(anyone)).source.lagMs ?? 0) > 100);

  // Beyond the limit the freshest node there is answers everybody.
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

it('a replica that is killed and comes back, a replica that hangs and goes on: no read fails', async () => {
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
  await eventually('the replica is missed', () => roles()[1] === 'away');
  await server(2).start();
  await eventually('the replica is back', () => roles()[1] === 'replica');

  await server(3).pause();
  await eventually('the hanging replica is missed', () => roles()[2] === 'away');
  await server(3).resume();
  await eventually('it goes on', () => roles()[2] === 'replica');

  stop = true;
  await Promise.all(readers);
  expect(failures).toEqual([]);
  expect(answers).toBeGreaterThan(100);
});

it('a recovery conflict on one replica is answered by another node', async () => {
  const { metrics } = await conflictOn(2);
  expect(metrics).toMatch(/eco_read_retries_total\{node="g1-2",sqlstate="40001"\} [1-9]/);

  /** Readers with a long statement, and a table lock that replay needs: recovery cancels who is in its way. */
  async function conflictOn(number: number) {
    const registry = new Registry();
    const only = new Reads({
      groups: [{ id: group.id, nodes: [server(1), server(number)].map(({ host, port }) => ({ host, port })) }],
      login: group.login('eco_reader'),
      applicationName: 'spec',
      log: createLog({ name: 'spec', logLevel: 'silent' }),
      registry,
    });
    await only.start();
    await tell(number, `ALTER SYSTEM SET max_standby_streaming_delay = 0`, 'SELECT pg_reload_conf()');
    const slow = {
      statement: {
        name: 'slow',
        text: `SELECT concat_ws(' ', s.term, s.tag, s.seq, 0, pg_is_in_recovery()) AS state, true AS found
               FROM eco.group_state s, eco.product p, pg_sleep(CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END)`,
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
    await tell(1, 'DO $$ BEGIN LOCK TABLE eco.product IN ACCESS EXCLUSIVE MODE; END $$');
    const { type } = await answer;
    only.stop();
    await tell(number, `ALTER SYSTEM RESET max_standby_streaming_delay`, 'SELECT pg_reload_conf()');
    expect(type).toBe('answer');
    return { metrics: await registry.metrics() };
  }
});

it('after a promotion reads follow the new primary, and tell a position that is covered from one that is lost', async () => {
  const kept = await changePrice();
  // One batch that no replica gets: it commits because nobody waits, and dies with its machine.
  await tell(1, `ALTER SYSTEM SET synchronous_standby_names = ''`, 'SELECT pg_reload_conf()');
  await eventually('nobody waits for a replica', async () => {
    const [row] = await group.asSuperuser<{ names: string }>(
      `SELECT current_setting('synchronous_standby_names') AS names`,
    );
    return row?.names === '';
  });
  await server(2).kill();
  await server(3).kill();
  const keptPrice = price;
  const lost = await changePrice();
  expect((await readAnswer(at(lost))).source).toMatchObject({ node: 'g1-1', position: lost });
  await server(1).kill();
  await Promise.all([server(2).start(), server(3).start()]);

  await eventually('the replicas answer', () => roles().join() === 'away,replica,replica');
  expect(await read(at(lost))).toMatchObject({ type: 'not-fresh' });

  // With one replica and no other node the new primary waits for nobody.
  await tell(2, `ALTER SYSTEM SET synchronous_standby_names = ''`, 'SELECT pg_reload_conf()');
  await server(2).promote();
  await eventually('the new primary is found', () => roles()[1] === 'primary');
  await writer.close();
  writer = await BatchWriter.open(group, server(2));
  expect(await read(at(lost))).toEqual({ type: 'position-lost', group: 'g1', wanted: lost });
  const answer = await readAnswer(at(kept));
  expect(answer.rows[0]?.price_cents).toBe(keptPrice);

  price = keptPrice;
  const next = await changePrice();
  expect(next.seq).toBe(lost.seq);
  expect((await readAnswer(at(next))).source).toMatchObject({ node: 'g1-2', role: 'primary', position: next });
});
