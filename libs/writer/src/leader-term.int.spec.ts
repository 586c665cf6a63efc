import { readAbsentSlots, renewAbsentSlot } from '@eco/database';
import { NodeRoles, primaryOf, SideConnection } from '@eco/postgres';
import { eventually, orderOf, productOf, reservationOf, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { readClocks } from './gauges.js';
import { startTerm, hasDueHolds, readHolder, terminateHolder, sendHeartbeat, tryToLead } from './leader-term.js';
import { WriterSession } from './session.js';
import { watchSession } from './watch.js';
import { runBatch } from './test/run-batch.js';

let group: DatabaseGroup;
const opened: WriterSession[] = [];

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 1 });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.close()));
});
afterAll(() => group.stop());

const server = (index: number) => group.servers[index] as DatabaseGroup['servers'][number];
async function openSession(): Promise<WriterSession> {
  const { host, port } = server(0);
  const session = await WriterSession.open({ host, port }, group.login('eco_writer'));
  opened.push(session);
  return session;
}
const leads = (session: WriterSession) => eventually('it gets the lock', () => tryToLead(session));

describe('the lock', () => {
  it('belongs to one session, and to the next one as soon as the first ends', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    expect(await tryToLead(second)).toBe(false);
    await first.close();
    await leads(second);
  });

  it('is free at once when the process is killed', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    await startTerm(first);
    first.destroy(new Error('killed'));
    // The deadline is shorter than the 11 s after which the server ends a silent session.
    await eventually('the lock is free', () => tryToLead(second), { deadlineMs: 9000 });
  });

  it('is freed by the server when the holder is silent for 11 s', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    await eventually('the lock is free', () => tryToLead(second), { pauseMs: 250 });
    await first.ended;
  });

  it('holds back no vacuum while it is polled', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    await tryToLead(second);
    const rows = await group.asSuperuser(
      'SELECT FROM pg_stat_activity WHERE pid = ANY ($1) AND (backend_xmin IS NOT NULL OR xact_start IS NOT NULL)',
      [[first.backendPid, second.backendPid]],
    );
    expect(rows).toEqual([]);
  });
});

describe('a leadership', () => {
  it('has its own term, stored with its first seq', async () => {
    const first = await openSession();
    await leads(first);
    const leaderTerm = await startTerm(first);
    expect(leaderTerm).toMatchObject({ group: 'g1', buckets: 16 });
    expect(leaderTerm.tag).toMatch(/^[0-9a-f]{8}$/);
    expect(await runBatch(first, leaderTerm, [orderOf('ana', [])])).toMatchObject({
      type: 'committed',
      seq: leaderTerm.seq + 1,
    });
    const rows = await group.asSuperuser('SELECT tag, first_seq::int FROM eco.group_term WHERE term = $1', [
      leaderTerm.term,
    ]);
    expect(rows).toEqual([{ tag: leaderTerm.tag, first_seq: leaderTerm.seq + 1 }]);
  });

  it('sends heartbeats without a batch, until another leadership begins', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    const leaderTerm = await startTerm(first);
    const before = await readHolder(second);
    expect(before).toMatchObject({ pid: first.backendPid, waitsForReplica: false });
    expect(await sendHeartbeat(first, leaderTerm)).toBeUndefined();
    const after = await readHolder(second);
    expect(after.sign).not.toBe(before.sign);
    expect((await readHolder(second)).sign).toBe(after.sign);
    const { host, port } = server(1);
    await first.close();
    await leads(second);
    await startTerm(second);
    expect(await sendHeartbeat(second, leaderTerm)).toMatchObject({ type: 'fenced' });
    expect({ host, port }).not.toEqual(second.node);
  });

  it('of a stalled holder is ended by a standby, but not while the holder waits for a replica', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    const leaderTerm = await startTerm(first);
    await server(1).pause();
    const run = runBatch(first, leaderTerm, [orderOf('ana', [])]);
    await eventually('it waits for a replica', async () => (await readHolder(second)).waitsForReplica);
    expect(await terminateHolder(second, first.backendPid)).toBe(false);
    await server(1).resume();
    expect(await run).toMatchObject({ type: 'committed' });
    expect(await terminateHolder(second, first.backendPid)).toBe(true);
    await first.ended;
    await leads(second);
  });
});

describe('a leadership without a batch', () => {
  it('leaves no row and is invisible to readers; the next leadership with a batch takes the next term', async () => {
    const terms = () => group.asSuperuser('SELECT term::int, tag, first_seq::int FROM eco.group_term ORDER BY term');
    const position = () => group.asSuperuser('SELECT term::int, tag, seq::int FROM eco.group_state');
    const [termsBefore, [before]] = [await terms(), await position()];
    for (let n = 0; n < 3; n += 1) {
      const session = await openSession();
      await leads(session);
      const leaderTerm = await startTerm(session);
      expect(await sendHeartbeat(session, leaderTerm)).toBeUndefined();
      expect(leaderTerm).toMatchObject({ term: Number(before?.['term']) + 1, seq: before?.['seq'] });
      await session.close();
    }
    expect([await terms(), await position()]).toEqual([termsBefore, [before]]);

    const session = await openSession();
    await leads(session);
    const { term, tag, seq, ...leaderTerm } = await startTerm(session);
    expect(await runBatch(session, { term, tag, seq, ...leaderTerm }, [orderOf('ana', [])])).toMatchObject({
      seq: seq + 1,
    });
    expect(await position()).toEqual([{ term, tag, seq: seq + 1 }]);
    expect(await terms()).toEqual([...termsBefore, { term, tag, first_seq: seq + 1 }]);
  });
});

describe('the group’s clock', () => {
  const stepTo = (step: string) =>
    group.asSuperuser(`CREATE OR REPLACE FUNCTION eco.clock() RETURNS timestamptz LANGUAGE sql VOLATILE
      RETURN date_trunc('milliseconds', clock_timestamp() + interval '${step}')`);
  afterEach(() => stepTo('0'));

  const begin = async () => {
    const session = await openSession();
    await leads(session);
    return { session, leaderTerm: await startTerm(session) };
  };
  const now = async () => {
    const [row] = await group.asSuperuser<{ at: Date }>('SELECT at FROM eco.group_state');
    return (row?.at ?? new Date(0)).getTime();
  };
  const clocks = async () => {
    const { host, port } = server(0);
    const connection = new SideConnection({ host, port }, group.login('eco_writer'), 'spec');
    const read = await readClocks(connection, 60_000);
    connection.close();
    return read;
  };

  it.each(['-15 minutes', '15 minutes'])(
    'continues, with visible heartbeats, when the server’s clock steps by %s and back',
    async (step) => {
      const { session, leaderTerm } = await begin();
      const standby = await openSession();
      for (const stepped of [step, '0']) {
        await stepTo(stepped);
        for (let n = 0; n < 3; n += 1) {
          const [at, { sign }] = [await now(), await readHolder(standby)];
          expect(await sendHeartbeat(session, leaderTerm)).toBeUndefined();
          expect(await now()).toBeGreaterThan(at);
          expect((await readHolder(standby)).sign).not.toBe(sign);
          const touched = await now();
          expect(await runBatch(session, leaderTerm, [orderOf('ana', [])])).toMatchObject({ type: 'committed' });
          expect(await now()).toBeGreaterThan(touched);
        }
      }
    },
  );

  it('expires commands and holds on time although the server’s clock went back 15 minutes', async () => {
    const { session, leaderTerm } = await begin();
    expect(await runBatch(session, leaderTerm, [productOf('tea', 5)])).toMatchObject({ type: 'committed' });
    const held = reservationOf('ana', [{ productId: 'tea', quantity: 5 }], 60);
    expect(await runBatch(session, leaderTerm, [held])).toMatchObject({ type: 'committed' });
    await stepTo('-15 minutes');
    expect((await clocks()).groupAheadS).toBeGreaterThan(800);
    const late = orderOf('ana', []);
    late.command.notAfter = new Date((await now()) + 5000).toISOString();
    // Six seconds of the leader's own clock pass.
    await session.run({ name: 'heartbeat', text: 'SELECT FROM eco.send_heartbeat($1, $2)' }, [leaderTerm.tag, 6000]);
    const run = await runBatch(session, leaderTerm, [late]);
    expect(run).toMatchObject({ effects: { outcomes: [{ status: 'expired' }] } });
    expect(await hasDueHolds(session)).toBe(false);
    await session.run({ name: 'heartbeat', text: 'SELECT FROM eco.send_heartbeat($1, $2)' }, [leaderTerm.tag, 66_000]);
    expect(await hasDueHolds(session)).toBe(true);
  });

  it('catches up with a step of 15 minutes within three hours, and never moves back', async () => {
    const [row] = await group.asSuperuser<{ after: number; apart: number; least: number }>(`
      WITH RECURSIVE second (n, clock, at) AS (
        SELECT 0, now(), now() + interval '15 minutes'
        UNION ALL
        SELECT n + 1, clock + interval '1 second', eco.next_at(at, clock + interval '1 second', 1000)
        FROM second WHERE n < 3 * 3600
      )
      SELECT min(n) FILTER (WHERE at = clock) AS after,
        extract(epoch FROM max(at - clock) FILTER (WHERE n = 3 * 3600))::float8 AS apart,
        (SELECT extract(epoch FROM min(d.moved))::float8 FROM
          (SELECT s.at - lag(s.at) OVER (ORDER BY s.n) AS moved FROM second s) d) AS least
      FROM second`);
    expect(row).toEqual({ after: 9000, apart: 0, least: 0.9 });
    const [still] = await group.asSuperuser<{ ms: number }>(
      `SELECT extract(epoch FROM eco.next_at(now(), now() - interval '1 hour', 0) - now())::float8 * 1000 AS ms`,
    );
    expect(still).toEqual({ ms: 1 });
  });
});

describe('the group’s row', () => {
  it('is found, fenced and read in few pages, however many dead versions a held snapshot keeps', async () => {
    const session = await openSession();
    await leads(session);
    const { term, tag } = await startTerm(session);
    const { host, port } = server(0);
    const holder = new SideConnection({ host, port }, group.superuser, 'spec holds a snapshot');
    await holder.ask('BEGIN ISOLATION LEVEL REPEATABLE READ', [], 60_000);
    await holder.ask('SELECT FROM eco.group_state', [], 60_000);
    await group.asSuperuser(
      `DO $$ BEGIN FOR n IN 1..20000 LOOP PERFORM eco.send_heartbeat('${tag}', 1); END LOOP; END $$`,
    );
    const pagesOf = async (text: string) => {
      const { rows } = await session.control(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`);
      const [[[{ Plan: plan }]]] = rows as [[[{ Plan: Record<string, number> }]]];
      return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
    };
    // The first round does not count, because its parse reads the catalogue.
    for (const times of [1, 2]) {
      const pages = {
        read: await pagesOf('SELECT * FROM eco.group_position'),
        heartbeat: await pagesOf(`SELECT eco.send_heartbeat('${tag}', 1)`),
        fence: await pagesOf(`SELECT eco.fence(${term}, '${tag}', 1)`),
      };
      if (times === 2) for (const count of Object.values(pages)) expect(count).toBeLessThan(60);
    }
    const [size] = await group.asSuperuser<{ pages: number }>(
      `SELECT (pg_relation_size('eco.group_state') / 8192)::int AS pages`,
    );
    expect(size?.pages).toBeGreaterThan(150);
    await holder.ask('ROLLBACK', [], 60_000);
    holder.close();
  });
});

describe('the slot of an absent replica', () => {
  it('is recreated, no longer holds back vacuum, and accepts the replica again', async () => {
    const { host, port } = server(0);
    const writer = new SideConnection({ host, port }, group.login('eco_writer'), 'spec');
    const slots = () => readAbsentSlots(writer, 60_000);
    const streams = async () =>
      (await group.asSuperuser(`SELECT FROM pg_stat_replication WHERE state = 'streaming'`)).length === 1;
    await eventually('its slot keeps row versions', async () => {
      return (await group.asSuperuser('SELECT FROM pg_replication_slots WHERE xmin IS NOT NULL')).length === 1;
    });
    const [row] = await group.asSuperuser<{ slot: string }>('SELECT slot_name AS slot FROM pg_replication_slots');
    const slot = row?.slot ?? '';
    expect(await slots()).toEqual([]);
    // A slot in use stays unchanged.
    expect(await renewAbsentSlot(writer, slot, 60_000)).toBe(false);
    await server(1).kill();
    await eventually('its slot holds back vacuum', async () => (await slots()).includes(slot));
    expect(await renewAbsentSlot(writer, slot, 60_000)).toBe(true);
    expect(await slots()).toEqual([]);
    expect(await renewAbsentSlot(writer, slot, 60_000)).toBe(false);
    await server(1).start();
    await eventually('the replica streams again', streams);
    writer.close();
  });
});

describe('the watch', () => {
  const watched = async () => {
    const nodes = new NodeRoles(group.servers, group.login('eco_writer'));
    const primary = primaryOf(await nodes.ask(5000));
    const session = await openSession();
    const unwatch = watchSession(session, nodes, primary?.timeline ?? 0);
    return {
      session,
      end: () => {
        unwatch();
        nodes.close();
      },
    };
  };

  it('gives up a session whose node is stalled, and no other', async () => {
    const { session, end } = await watched();
    await server(0).pause();
    const ended = await session.ended;
    await server(0).resume();
    end();
    expect(ended.message).toMatch(/does not answer/);
  });

  it('gives up the session on the old primary when another node is promoted', async () => {
    const { session, end } = await watched();
    await server(1).promote();
    expect((await session.ended).message).toMatch(/was promoted \(timeline 2 after 1\)/);
    end();
    const nodes = new NodeRoles([...group.servers, { host: '127.0.0.1', port: 1 }], group.login('eco_writer'));
    const answers = await nodes.ask(5000);
    nodes.close();
    expect(answers.map(({ type }) => type)).toEqual(['primary', 'primary', 'unreachable']);
    expect(primaryOf(answers)).toMatchObject({ node: { port: server(1).port }, timeline: 2 });
  });
});
