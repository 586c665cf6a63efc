import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { PublishOutcome } from '@eco/broker';
import { MAX_COMMANDS_PER_MESSAGE, MAX_MESSAGE_BYTES } from '@eco/contracts';
import { eventually } from '@eco/testing';
import { Journal, type JournalOptions } from './journal.js';
import { JournalError } from './journal-files.js';
import { readJournals } from './read-journals.js';
import { Relay } from './relay.js';

let dir: string;
const open: Journal[] = [];
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-journal-'));
});
afterEach(() => {
  for (const journal of open.splice(0)) journal.close();
  rmSync(dir, { recursive: true });
});

function openJournal(options: Partial<JournalOptions> = {}): Journal {
  const journal = new Journal({ dir, name: 'central', limitBytes: 1024 * 1024, ...options });
  open.push(journal);
  return journal;
}

const entry = (id: number, queue = 'orders.g1') => ({ queue, id: String(id), text: JSON.stringify({ id }) });
const idsIn = (texts: readonly string[]) => texts.map((text) => (JSON.parse(text) as { id: number }).id);
const headIds = (journal: Journal, most = 100, queue = 'orders.g1') =>
  idsIn(journal.head(queue, most).map(({ text }) => text));
function takeAll(journal: Journal): number[] {
  const ids: number[] = [];
  for (let head = journal.head('orders.g1', 256); head.length > 0; head = journal.head('orders.g1', 256)) {
    ids.push(...idsIn(head.map(({ text }) => text)));
    journal.remove('orders.g1', head);
  }
  return ids;
}
const counting = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('Journal', () => {
  it('keeps its commands in order by queue over a restart', async () => {
    const first = openJournal();
    for (const id of counting(10)) await first.append(entry(id, id % 2 ? 'orders.g1' : 'orders.g2'));
    first.close();
    const second = openJournal();
    expect(second.status).toMatchObject({ depth: 10, parkedNow: 0 });
    expect(headIds(second)).toEqual([1, 3, 5, 7, 9]);
    expect(headIds(second, 3, 'orders.g2')).toEqual([0, 2, 4]);
    second.remove('orders.g1', second.head('orders.g1', 2));
    second.close();
    const third = openJournal();
    expect([headIds(third), third.depth('orders.g1'), third.depth('orders.g2')]).toEqual([[5, 7, 9], 3, 5]);
  });

  it('commits commands together that arrive together', async () => {
    const journal = openJournal();
    const appended = await Promise.all(counting(1000).map((id) => journal.append(entry(id))));
    expect(new Set(appended.map(({ type }) => type))).toEqual(new Set(['kept']));
    expect(takeAll(journal)).toEqual(counting(1000));
  });

  it('counts commands on their way to the disk, so that nothing overtakes them', () => {
    const journal = openJournal();
    void journal.append(entry(1));
    expect(journal.depth('orders.g1')).toBe(1);
    expect(journal.queues).toEqual(['orders.g1']);
  });

  it('keeps appended commands when it is closed at once, and accepts nothing more', async () => {
    const journal = openJournal();
    const appended = journal.append(entry(1));
    journal.close();
    expect(await appended).toEqual({ type: 'kept' });
    expect(await journal.append(entry(2))).toMatchObject({ type: 'failed' });
    expect(headIds(openJournal())).toEqual([1]);
  });

  it('refuses beyond its limit before it writes anything, and has room again after a removal', async () => {
    const limitBytes = 10_000;
    const journal = openJournal({ limitBytes });
    const appended = await Promise.all(counting(200).map((id) => journal.append(entry(id))));
    const kept = appended.filter(({ type }) => type === 'kept').length;
    expect(appended.slice(kept)).toEqual(Array(200 - kept).fill({ type: 'full' }));
    expect(journal.status).toMatchObject({ depth: kept, full: 200 - kept });
    expect(journal.status.bytes).toBeLessThanOrEqual(limitBytes);
    expect(journal.isFull).toBe(true);
    journal.close();
    const again = openJournal({ limitBytes });
    expect(await again.append(entry(1))).toEqual({ type: 'full' });
    again.remove('orders.g1', again.head('orders.g1', 10));
    expect(await again.append(entry(1))).toEqual({ type: 'kept' });
  });

  it('keeps a share of each client, also after it was opened again, and of clients without a token together', async () => {
    const limitBytes = 40_000;
    const traitsOf = (text: string) => ({ client: (JSON.parse(text) as { client?: string }).client });
    const of = (client: string | undefined) => ({
      ...entry(1),
      text: JSON.stringify({ client, padding: 'x'.repeat(900) }),
    });
    const untilRefused = async (journal: Journal, client?: string) => {
      const before = journal.status.bytes;
      for (let n = 0; n < 100; n += 1) {
        const { type } = await journal.append(of(client));
        if (type !== 'kept') return { type, bytes: journal.status.bytes - before };
      }
      throw new Error('nothing was refused');
    };
    const journal = openJournal({ limitBytes, traitsOf });
    const strangers = await untilRefused(journal);
    expect(strangers.type).toBe('over-share');
    expect(strangers.bytes).toBeGreaterThan(0.2 * limitBytes);
    expect(strangers.bytes).toBeLessThanOrEqual(0.25 * limitBytes);
    const ana = await untilRefused(journal, 'ana');
    expect(ana.type).toBe('over-share');
    expect(ana.bytes).toBeLessThanOrEqual(0.5 * (limitBytes - strangers.bytes));
    expect(journal.status).toMatchObject({ overShare: 2, full: 0 });
    journal.close();

    const again = openJournal({ limitBytes, traitsOf });
    for (const client of ['ana', undefined]) expect(await again.append(of(client))).toEqual({ type: 'over-share' });
    for (const client of ['bo', 'eva', 'luis']) expect(await again.append(of(client))).toEqual({ type: 'kept' });
    // The first commands are those of strangers, which may order again when some have left.
    again.remove('orders.g1', again.head('orders.g1', 6));
    expect(await again.append(of(undefined))).toEqual({ type: 'kept' });
  });

  it('returns as many commands as fit in a message', async () => {
    const journal = openJournal({ limitBytes: 64 * 1024 * 1024 });
    const large = (id: number) => ({ ...entry(id), text: JSON.stringify({ id, padding: 'x'.repeat(10_000) }) });
    for (const id of counting(10)) await journal.append(large(id));
    const head = journal.head('orders.g1', MAX_COMMANDS_PER_MESSAGE);
    const bytes = head.reduce((sum, { text }) => sum + text.length + 1, 64);
    expect(head.length).toBe(6);
    expect(bytes).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    const larger = { ...entry(11, 'orders.g2'), text: JSON.stringify({ padding: 'x'.repeat(100_000) }) };
    await journal.append(larger);
    expect(journal.head('orders.g2', 256)).toHaveLength(1);
  });

  it('parks a command, and unparks it into its place', async () => {
    const journal = openJournal();
    for (const id of counting(3)) await journal.append(entry(id));
    const [first] = journal.head('orders.g1', 1);
    if (first) journal.park('orders.g1', first, 'too large');
    expect([headIds(journal), journal.depth('orders.g1'), journal.status.parkedNow]).toEqual([[1, 2], 2, 1]);
    journal.remove('orders.g1', journal.head('orders.g1', 2));
    expect(readJournals(dir)).toMatchObject([{ depth: 0, setAside: [{ id: '0', reason: 'too large' }] }]);
    expect(journal.unpark()).toBe(1);
    expect([headIds(journal), journal.depth('orders.g1'), journal.status.parkedNow]).toEqual([[0], 1, 0]);
  });

  it('is synced at each commit and readable only by its owner', async () => {
    const journal = openJournal();
    await journal.append(entry(1));
    const database = new DatabaseSync(journal.file);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
    for (const file of [journal.file, `${journal.file}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('belongs to one process, by name', () => {
    openJournal();
    openJournal({ name: 'central-2' });
    expect(() => openJournal()).toThrow(/journals?.* is in use by the process central: that one empties it/);
  });

  it('states the error of a file that is no journal or is of a later version', () => {
    writeFileSync(
      path.join(dir, 'central.journal'),
      'no database at all, and long enough to be read as one'.repeat(50),
    );
    expect(() => openJournal()).toThrow(/can't be read .*: commands that were accepted may be in it, so move it/);
    const journal = openJournal({ name: 'later' });
    journal.close();
    const database = new DatabaseSync(journal.file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => openJournal({ name: 'later' })).toThrow(/of version 99, and this program knows 1/);
  });

  it('states that its folder is not available', () => {
    writeFileSync(path.join(dir, 'file'), '');
    expect(() => openJournal({ dir: path.join(dir, 'file', 'journals') })).toThrow(JournalError);
  });

  it('reports a failed disk, and continues when it works again', async () => {
    const journal = openJournal();
    const other = new DatabaseSync(journal.file);
    // This trigger refuses the write, as a full disk would.
    other.exec("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'disk is full'); END");
    expect(await journal.append(entry(1))).toEqual({ type: 'failed', error: 'disk is full' });
    expect([journal.lastError, journal.depth('orders.g1'), journal.status.bytes]).toEqual(['disk is full', 0, 0]);
    other.exec('DROP TRIGGER full');
    other.close();
    expect(await journal.append(entry(2))).toEqual({ type: 'kept' });
    expect([journal.lastError, headIds(journal)]).toEqual([undefined, [2]]);
  });
});

describe('readJournals', () => {
  it('reports each journal, in use or orphaned', async () => {
    const journal = openJournal();
    const orphan = openJournal({ name: 'orphan' });
    await orphan.append(entry(1));
    orphan.close();
    await journal.append(entry(2));
    expect(readJournals(dir)).toMatchObject([
      { name: 'central', inUse: true, depth: 1, setAside: [] },
      { name: 'orphan', inUse: false, depth: 1, setAside: [] },
    ]);
    expect(readJournals(path.join(dir, 'nowhere'))).toEqual([]);
  });
});

describe('Relay', () => {
  /** Returns the ids that have arrived. `answer` determines the outcome of each message. */
  function relayTo(journal: Journal, answer: (ids: number[], queue: string) => PublishOutcome) {
    const arrived: number[] = [];
    const tries: number[] = [];
    const relay = new Relay({
      journal,
      publish: async (queue, commands) => {
        const ids = idsIn(commands);
        tries.push(ids.length);
        await Promise.resolve();
        const outcome = answer(ids, queue);
        if (outcome.type === 'confirmed') arrived.push(...ids);
        return outcome;
      },
    });
    return { relay, arrived, tries };
  }

  it('sends old and new commands in order, and removes them once confirmed', async () => {
    const journal = openJournal();
    await Promise.all(counting(600).map((id) => journal.append(entry(id))));
    const { relay, arrived, tries } = relayTo(journal, () => ({ type: 'confirmed' }));
    relay.start();
    for (const id of counting(100)) await journal.append(entry(600 + id));
    await relay.idle();
    expect(arrived).toEqual(counting(700));
    expect(Math.max(...tries)).toBe(MAX_COMMANDS_PER_MESSAGE);
    expect(journal.status).toMatchObject({ depth: 0, bytes: 0, kept: 700, removed: 700 });
    await relay.stop();
  });

  it('repeats the head until it is confirmed, alone, then with more and more commands', async () => {
    const journal = openJournal();
    await Promise.all(counting(20).map((id) => journal.append(entry(id))));
    let left = 3;
    const { relay, arrived, tries } = relayTo(journal, () =>
      left-- > 0 ? { type: 'unconfirmed', reason: 'deadline' } : { type: 'confirmed' },
    );
    relay.start();
    await relay.idle();
    expect(arrived).toEqual(counting(20));
    expect(tries).toEqual([20, 1, 1, 1, 2, 4, 8, 5]);
    await relay.stop();
  });

  it('lets no queue wait for another', async () => {
    const journal = openJournal();
    for (const id of counting(10)) await journal.append(entry(id, id % 2 ? 'orders.g1' : 'orders.g2'));
    let repaired = false;
    const { relay, arrived } = relayTo(journal, (_, queue) =>
      queue === 'orders.g1' || repaired ? { type: 'confirmed' } : { type: 'returned' },
    );
    relay.start();
    await eventually('the working queue’s lane is empty', () => journal.depth('orders.g1') === 0);
    expect([arrived, [...relay.alarms]]).toEqual([[1, 3, 5, 7, 9], [['orders.g2', 'no queue takes it']]]);
    repaired = true;
    await relay.idle();
    expect(arrived).toEqual([1, 3, 5, 7, 9, 0, 2, 4, 6, 8]);
    expect(relay.alarms.size).toBe(0);
    await relay.stop();
  });

  it('parks the refused command, and sends its neighbours', async () => {
    const journal = openJournal();
    await Promise.all(counting(50).map((id) => journal.append(entry(id))));
    const { relay, arrived } = relayTo(journal, (ids) =>
      ids.includes(17) ? { type: 'refused', code: 406, reason: 'too large' } : { type: 'confirmed' },
    );
    relay.start();
    await relay.idle();
    expect(arrived).toEqual(counting(50).filter((id) => id !== 17));
    expect(readJournals(dir)).toMatchObject([{ depth: 0, setAside: [{ id: '17', reason: 'too large' }] }]);
    await relay.stop();
  });

  it('leaves unsent commands in the file when it stops', async () => {
    const journal = openJournal();
    for (const id of counting(5)) await journal.append(entry(id));
    const { relay } = relayTo(journal, () => ({ type: 'disconnected' }));
    relay.start();
    await relay.stop();
    await journal.append(entry(5));
    journal.close();
    const again = relayTo(openJournal(), () => ({ type: 'confirmed' }));
    again.relay.start();
    await again.relay.idle();
    expect(again.arrived).toEqual(counting(6));
    await again.relay.stop();
  });

  it('sends confirmed commands only once although the disk can’t remove them, and removes them later', async () => {
    const traitsOf = (text: string) => ({ sharedKey: `customer-${(JSON.parse(text) as { id: number }).id}` });
    const journal = openJournal({ traitsOf });
    for (const id of counting(50)) await journal.append(entry(id));
    const other = new DatabaseSync(journal.file);
    // Removals then fail as on a read-only disk.
    other.exec("CREATE TRIGGER broken BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END");
    const removals = jest.spyOn(journal, 'removeConfirmed');
    const { relay, arrived } = relayTo(journal, () => ({ type: 'confirmed' }));
    relay.start();
    const triedAt: number[] = [];
    await eventually('removal was retried, later each time', () => {
      if (removals.mock.calls.length > triedAt.length) triedAt.push(performance.now());
      const pauses = triedAt.slice(1).map((at, index) => at - (triedAt[index] ?? 0));
      return pauses.some((pause) => pause > 400);
    });
    expect(arrived).toEqual(counting(50));
    expect(journal).toMatchObject({ lastError: 'disk I/O error', queues: [], status: { depth: 0, removed: 50 } });
    expect([journal.holds('customer-1'), headIds(journal)]).toEqual([false, []]);
    // New commands are sent, and the commands that were sent are not repeated.
    await journal.append(entry(50));
    expect(journal.holds('customer-50')).toBe(true);
    await eventually('it arrives', () => arrived.length === 51);
    other.exec('DROP TRIGGER broken');
    other.close();
    await relay.idle();
    expect(arrived).toEqual(counting(51));
    expect(readJournals(dir)).toMatchObject([{ depth: 0 }]);
    await relay.stop();
  });

  it('sends the commands of a file of version 1, each as it was accepted', async () => {
    // A file as version 1 made it, with commands that an older API has stored. A newer API must always read it.
    const recorded = new DatabaseSync(path.join(dir, 'central.journal'));
    recorded.exec(`
      CREATE TABLE entries (seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
        bytes INTEGER NOT NULL, at_ms INTEGER NOT NULL, set_aside_at_ms INTEGER, reason TEXT) STRICT;
      CREATE INDEX entries_waiting ON entries (queue, seq) WHERE set_aside_at_ms IS NULL;
      CREATE INDEX entries_set_aside ON entries (seq) WHERE set_aside_at_ms IS NOT NULL;
      PRAGMA user_version = 1;`);
    const id = '01a225e3-8f00-702f-8707-070707070707';
    // The command has a field that this version does not know, as if this version had replaced a newer API.
    const text = `{"id":"${id}","kind":"cart.clear","stamp":"001795593600000-00000-c","sentBy":"c","correlationId":"c-1","body":{"customerId":"Añá","why":"new"}}`;
    recorded
      .prepare('INSERT INTO entries (queue, id, text, bytes, at_ms) VALUES (?, ?, ?, ?, ?)')
      .run('orders.g1', id, text, text.length, 1_795_593_600_000);
    recorded.close();

    const sent: string[] = [];
    const publish = async (_: string, texts: readonly string[]): Promise<PublishOutcome> => {
      sent.push(...texts);
      return { type: 'confirmed' };
    };
    const relay = new Relay({ journal: openJournal(), publish });
    relay.start();
    await relay.idle();
    await relay.stop();
    expect(sent).toEqual([text]);
  });

  it('retries an unreadable file less and less often, and logs it once', async () => {
    const journal = openJournal();
    await journal.append(entry(1));
    const head = jest.spyOn(journal, 'head').mockImplementation(() => {
      throw new Error('disk I/O error');
    });
    const errors: string[] = [];
    const log = { error: (_: object, message: string) => void errors.push(message) };
    const relay = new Relay({ journal, publish: async () => ({ type: 'confirmed' }), log: log as never });
    relay.start();
    await eventually('it was tried five times', () => head.mock.calls.length > 4);
    expect(errors).toEqual(['the relay could not use its journal']);
    head.mockRestore();
    await relay.idle();
    await relay.stop();
  });
});
