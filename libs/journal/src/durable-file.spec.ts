import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OUTBOX_TABLES } from './database.js';
import { DurableFile } from './durable-file.js';
import { FileLock, makeFiles } from './file-lock.js';
import { Outbox } from './outbox.js';
import { growthPagesOf } from './reserved-space.js';

let dir: string;
const open: DurableFile[] = [];
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-durable-'));
});
afterEach(() => {
  for (const file of open.splice(0)) file.close();
  rmSync(dir, { recursive: true });
});

function openFile() {
  const [database, lockFile] = [path.join(dir, 'shop.sqlite'), path.join(dir, 'shop.lock')];
  makeFiles(dir, database, lockFile);
  const lock = FileLock.take(lockFile, { waitMs: 0 });
  if (lock === undefined) throw new Error('the file is in use');
  const file = new DurableFile({
    file: database,
    lock,
    budget: { checkpointPages: 16, transactionPages: 24, sparePages: 8, growthPages: growthPagesOf(1e6, 24) },
    open: (name) => {
      const opened = new DatabaseSync(name);
      opened.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${OUTBOX_TABLES};
                   CREATE TABLE IF NOT EXISTS sales (id INTEGER PRIMARY KEY, units INTEGER CHECK (units > 0)) STRICT`);
      return opened;
    },
    noun: 'the shop',
  });
  open.push(file);
  const outbox = new Outbox({ file, name: 'shop', limitBytes: 1e6 });
  const add = file.database.prepare('INSERT INTO sales VALUES (?, ?)');
  /** A sale with the command that reports it. */
  const sell = (id: number, units: number) =>
    file.write({
      pages: 4,
      run: (transaction) => {
        outbox.appendIn(transaction, { queue: 'orders.g1', id: String(id), text: JSON.stringify({ id }) });
        add.run(id, units);
        return id;
      },
    });
  const sold = () =>
    (file.database.prepare('SELECT id FROM sales ORDER BY id').all() as { id: number }[]).map(({ id }) => id);
  return { file, outbox, sell, sold };
}

const sent = (outbox: Outbox) =>
  outbox.head('orders.g1', 100).map(({ text }) => (JSON.parse(text) as { id: number }).id);

it('keeps a work and its command together, and a work that throws affects no other of its commit', async () => {
  const { outbox, sell, sold } = openFile();
  const kept: string[] = [];
  outbox.onKept((queue) => kept.push(queue));
  const results = await Promise.allSettled([sell(1, 1), sell(2, 0), sell(3, 1), sell(1, 5)]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
  expect([sold(), sent(outbox), outbox.depth('orders.g1')]).toEqual([[1, 3], [1, 3], 2]);
  expect([outbox.status.kept, kept.length]).toEqual([2, 2]);
});

it('undoes every work of a commit that the file refuses, in the file and in memory', async () => {
  const { outbox, sell, sold, file } = openFile();
  file.database.exec(
    "CREATE TRIGGER full BEFORE INSERT ON sales WHEN NEW.id = 2 BEGIN SELECT RAISE(ABORT, 'full'); END",
  );
  expect(await Promise.all([sell(1, 1), sell(2, 1)])).toEqual(Array(2).fill({ type: 'failed', error: 'full' }));
  expect([sold(), sent(outbox), outbox.depth('orders.g1'), outbox.status.bytes]).toEqual([[], [], 0, 0]);
  expect(await sell(3, 1)).toEqual({ type: 'committed', value: 3 });
});

it('commits what waits when it is closed, and accepts nothing more', async () => {
  const { file, sell } = openFile();
  const selling = sell(1, 1);
  file.close();
  expect(await selling).toEqual({ type: 'committed', value: 1 });
  expect(await sell(2, 1)).toMatchObject({ type: 'failed' });
  expect(openFile().sold()).toEqual([1]);
});
