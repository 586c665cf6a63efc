import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Journal } from './journal.js';

/*
 * A process that keeps commands is killed in the middle, again and again, on one file. It runs the built library, as
 * every process does. A power failure additionally tests the fsync, which journal.spec.ts checks.
 */

const KILLS = 8;

/** Appends without pause, several at once, and prints each when it was kept. */
const child = `
  const { Journal } = require('@eco/journal');
  const journal = new Journal({ dir: process.argv[1], name: 'central', limitBytes: 1e9 });
  let next = Number(process.argv[2]);
  const one = async () => {
    for (;;) {
      const id = next++;
      const appended = await journal.append({ queue: 'orders.g1', id: String(id), text: JSON.stringify({ id }) });
      if (appended.type !== 'kept') throw new Error(JSON.stringify(appended));
      process.stdout.write(id + '\\n');
    }
  };
  for (let caller = 0; caller < 4; caller++) void one();
`;

/** Runs it until it has printed `enough` numbers, kills it, and returns all it printed. */
async function appendUntilKilled(dir: string, from: number, enough: number): Promise<number[]> {
  const process_ = spawn(process.execPath, ['-e', child, dir, String(from)], {
    cwd: __dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  process_.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.split('\n').length > enough) process_.kill('SIGKILL');
  });
  await new Promise((resolve) => process_.once('close', resolve));
  // The last line may be cut.
  return said.split('\n').slice(0, -1).map(Number);
}

it('contains every kept command once and in order, however often its process is killed', async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-journal-killed-'));
  try {
    const kept: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      kept.push(...(await appendUntilKilled(dir, kill * 1_000_000, 5 + kill * 12)));
    }
    expect(kept.length).toBeGreaterThan(KILLS * 5);
    const journal = new Journal({ dir, name: 'central', limitBytes: 1e9 });
    const found: number[] = [];
    for (let head = journal.head('orders.g1', 256); head.length > 0; head = journal.head('orders.g1', 256)) {
      found.push(...head.map(({ text }) => (JSON.parse(text) as { id: number }).id));
      journal.remove('orders.g1', head);
    }
    journal.close();
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
    expect(kept.filter((id) => !found.includes(id))).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
