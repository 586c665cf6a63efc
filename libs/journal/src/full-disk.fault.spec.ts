import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Journal } from './journal.js';
import { Relay } from './relay.js';

/*
 * A journal on a separate disk that runs full. Needs Linux and root, like other fault specs.
 */

const QUEUE = 'orders.g1';
let dir: string;
let journal: Journal | undefined;
let undo: (() => void)[];

beforeEach(() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('a disk is mounted by root on Linux');
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-full-'));
  undo = [() => rmSync(dir, { recursive: true })];
});
afterEach(() => {
  journal?.close();
  journal = undefined;
  for (const step of undo.reverse()) step();
});

function mountMemory(sizeKb: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKb}k`, 'eco-journal', dir]);
  undo.push(() => execFileSync('umount', [dir]));
}

function open(): Journal {
  return (journal = new Journal({ dir, name: 'central', limitBytes: 512 * 1024 * 1024, traitsOf }));
}

const traitsOf = (text: string) => ({ sharedKey: (JSON.parse(text) as { key?: string }).key });
const textOf = (id: number) => JSON.stringify({ id, key: `customer-${id}`, padding: 'x'.repeat((id % 10) * 500) });
const append = (id: number) => (journal as Journal).append({ queue: QUEUE, id: String(id), text: textOf(id) });

/** Fills the rest of the disk. */
function fill(): string {
  const filler = path.join(dir, 'filler');
  const chunk = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(filler, chunk, { flag: 'a' });
  } catch {
    return filler;
  }
}

/** Appends until there is no room; returns the ids that are kept. */
async function appendUntilFull(): Promise<number[]> {
  const kept: number[] = [];
  for (let id = 0; ; id += 1) {
    const { type } = await append(id);
    if (type === 'full') return kept;
    expect(type).toBe('kept');
    kept.push(id);
  }
}

function relayTo() {
  const sent: number[] = [];
  const relay = new Relay({
    journal: journal as Journal,
    publish: async (_queue, texts) => {
      await Promise.resolve();
      sent.push(...texts.map((text) => (JSON.parse(text) as { id: number }).id));
      return { type: 'confirmed' };
    },
  });
  undo.push(() => void relay.stop());
  return { relay, sent };
}

it.each([1024, 2048])(
  'on a full disk of %i kB the journal accepts nothing more, and empties itself, sending each command once',
  async (sizeKb) => {
    mountMemory(sizeKb);
    open();
    const kept = await appendUntilFull();
    expect(kept.length).toBeGreaterThan(20);
    fill();
    const large = { queue: QUEUE, id: 'large', text: JSON.stringify({ padding: 'x'.repeat(60_000) }) };
    expect(await journal?.append(large)).toEqual({ type: 'full' });
    expect(journal?.obstacle).toBeDefined();

    const { relay, sent } = relayTo();
    relay.start();
    await relay.idle();
    expect(sent).toEqual(kept);
    expect(statfsSync(dir).bfree).toBe(0);
    journal?.close();

    // Nothing is left in the file, and the disk is still full.
    open();
    expect([journal?.depth(QUEUE), journal?.obstacle]).toEqual([0, undefined]);
    expect(await append(1)).toEqual({ type: 'kept' });
    expect(journal?.holds('customer-1')).toBe(true);
  },
);

it('accepts commands again once there is room', async () => {
  mountMemory(1024);
  open();
  const filler = fill();
  const kept = await appendUntilFull();
  expect(journal?.lastError).toMatch(/ENOSPC|full/);
  rmSync(filler);
  const { relay, sent } = relayTo();
  relay.start();
  await relay.idle();
  expect(sent).toEqual(kept);
  expect(await append(1)).toEqual({ type: 'kept' });
  expect(journal?.lastError).toBeUndefined();
});
