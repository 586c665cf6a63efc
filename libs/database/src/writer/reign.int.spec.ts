import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import {
  beginReign,
  GroupNodes,
  primaryOf,
  readHolder,
  terminateHolder,
  touchReign,
  tryToLead,
  watchSession,
  WriterSession,
} from '../index.js';
import { orderOf, runBatch } from '../test/commands.js';

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
  it('is one session’s, and the next one’s as soon as that one ends', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    expect(await tryToLead(second)).toBe(false);
    await first.close();
    await leads(second);
  });

  it('is free at once when the process is gone without a word', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    await beginReign(first);
    first.destroy(new Error('killed'));
    await eventually('the lock is free', () => tryToLead(second), { deadlineMs: 5000 });
  });

  it('is taken by the server from a holder that says nothing for 11 s', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    await eventually('the lock is free', () => tryToLead(second), { deadlineMs: 30_000, pauseMs: 250 });
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

describe('a reign', () => {
  it('has a term of its own, kept for good with where it began', async () => {
    const first = await openSession();
    await leads(first);
    const reign = await beginReign(first);
    expect(reign).toMatchObject({ group: 'g1', buckets: 16 });
    expect(reign.tag).toMatch(/^[0-9a-f]{8}$/);
    expect(await runBatch(first, reign, [orderOf('ana', [])])).toMatchObject({ type: 'committed', seq: reign.seq + 1 });
    const rows = await group.asSuperuser('SELECT tag, first_seq::int FROM eco.group_term WHERE term = $1', [
      reign.term,
    ]);
    expect(rows).toEqual([{ tag: reign.tag, first_seq: reign.seq + 1 }]);
  });

  it('shows that it lives without a batch, until another begins', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    const reign = await beginReign(first);
    const before = await readHolder(second);
    expect(before).toMatchObject({ pid: first.backendPid, waitsForReplica: false });
    expect(await touchReign(first, reign)).toBeUndefined();
    const after = await readHolder(second);
    expect(after.sign).not.toBe(before.sign);
    expect((await readHolder(second)).sign).toBe(after.sign);
    const { host, port } = server(1);
    await first.close();
    await leads(second);
    await beginReign(second);
    expect(await touchReign(second, reign)).toMatchObject({ type: 'fenced' });
    expect({ host, port }).not.toEqual(second.node);
  });

  it('of a holder that hangs can be ended by a standby, but not while it waits for a replica', async () => {
    const [first, second] = [await openSession(), await openSession()];
    await leads(first);
    const reign = await beginReign(first);
    await server(1).pause();
    const run = runBatch(first, reign, [orderOf('ana', [])]);
    await eventually('it waits for a replica', async () => (await readHolder(second)).waitsForReplica);
    expect(await terminateHolder(second, first.backendPid)).toBe(false);
    await server(1).resume();
    expect(await run).toMatchObject({ type: 'committed' });
    expect(await terminateHolder(second, first.backendPid)).toBe(true);
    await first.ended;
    await leads(second);
  });
});

describe('the watch', () => {
  const watched = async () => {
    const nodes = new GroupNodes(group.servers, group.login('eco_writer'));
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

  it('gives up a session whose node stands still, and no other', async () => {
    const { session, end } = await watched();
    await server(0).pause();
    const ended = await session.ended;
    await server(0).resume();
    end();
    expect(ended.message).toMatch(/does not answer/);
  });

  it('gives up the session on the old primary when another node is promoted; of two primaries that one counts', async () => {
    const { session, end } = await watched();
    await server(1).promote();
    expect((await session.ended).message).toMatch(/was promoted \(timeline 2 after 1\)/);
    end();
    const nodes = new GroupNodes([...group.servers, { host: '127.0.0.1', port: 1 }], group.login('eco_writer'));
    const answers = await nodes.ask(5000);
    nodes.close();
    expect(answers.map(({ type }) => type)).toEqual(['primary', 'primary', 'unreachable']);
    expect(primaryOf(answers)).toMatchObject({ node: { port: server(1).port }, timeline: 2 });
  });
});
