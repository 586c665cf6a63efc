import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '@eco/testing';
import { startOf } from './identity.js';

/** A program that starts two processes, reports both and the end of one to its reaper, and prints the other's pid. */
const PROGRAM = `
const { spawn } = require('node:child_process');
const { Reaper } = require(${JSON.stringify(path.join(__dirname, 'reaper.ts'))});
const reaper = new Reaper(process.argv[1]);
const start = () => spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
const [kept, other] = [start(), start()];
reaper.began(kept.pid);
reaper.began(other.pid);
reaper.ended(other.pid);
if (process.argv[2] === 'dismiss') reaper.dismiss();
// By then all messages to the reaper are in its pipe.
setImmediate(() => console.log([kept.pid, other.pid].join(' ')));
setInterval(() => undefined, 1000);
`;

const alive = (pid: number) => startOf(pid) !== undefined;

async function startProgram(
  folder: string,
  ...args: string[]
): Promise<{ program: ChildProcess; kept: number; other: number }> {
  const program = spawn(process.execPath, ['-e', PROGRAM, folder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const text = await new Promise<string>((resolve) =>
    program.stdout?.once('data', (data: Buffer) => resolve(String(data))),
  );
  const [kept = 0, other = 0] = text.split(' ').map(Number);
  return { program, kept, other };
}

test('ends the processes of a killed run and removes its folder; processes that ended before are not touched', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'eco-reaper-'));
  const { program, kept, other } = await startProgram(folder);
  program.kill('SIGKILL');
  await eventually('the end of what was started', () => !alive(kept));
  await eventually('the folder to go', () => !existsSync(folder));
  expect(alive(other)).toBe(true);
  process.kill(other);
});

test('does nothing after an orderly end', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'eco-reaper-'));
  const { program, kept, other } = await startProgram(folder, 'dismiss');
  const ended = new Promise((resolve) => program.once('exit', resolve));
  program.kill('SIGKILL');
  await ended;
  expect(alive(kept)).toBe(true);
  expect(existsSync(folder)).toBe(true);
  process.kill(kept);
  process.kill(other);
  rmSync(folder, { recursive: true });
});
