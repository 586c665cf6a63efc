import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '@eco/testing';
import { LogOutput } from './log-output.js';

let dir: string;
beforeEach(() => (dir = mkdtempSync(path.join(os.tmpdir(), 'eco-log-'))));
afterEach(() => rmSync(dir, { recursive: true }));

const line = (n: number) => `${n} ${'x'.repeat(100)}\n`;

it('writes every line in order, including those that wait at the exit', async () => {
  const file = path.join(dir, 'log');
  const fd = openSync(file, 'a');
  const output = new LogOutput(fd);
  const lines = Array.from({ length: 1_000 }, (_, n) => line(n));
  for (const each of lines.slice(0, 999)) output.write(each);
  await eventually(
    'all that was gathered is written',
    () => readFileSync(file, 'utf8') === lines.slice(0, 999).join(''),
  );
  output.write(lines.at(-1) ?? '');
  output.writeLast();
  expect(readFileSync(file, 'utf8')).toBe(lines.join(''));
  expect(output.dropped).toBe(0);
  closeSync(fd);
});

it('keeps lines for a stalled reader up to its limit, drops the rest, and reports their number once it reads again', async () => {
  const pipe = path.join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // The descriptor is non-blocking, so that opening one end does not wait for the other.
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(pipe, 'w');
  const recovered: number[] = [];
  const output = new LogOutput(fd, { waitingMax: 100_000, onRecovered: (dropped) => recovered.push(dropped) });
  const count = 10_000;
  for (let n = 0; n < count; n += 1) output.write(line(n));
  await eventually('the bound is reached', () => output.dropped > 0);
  const { dropped } = output;
  // The process also exits without waiting for the reader.
  const buffer = Buffer.alloc(1024 * 1024);
  let text = '';
  await eventually('the rest has come', () => {
    try {
      text += buffer.toString('utf8', 0, readSync(reader, buffer));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    return text.split('\n').length - 1 === count - dropped;
  });
  expect(text).toBe(Array.from({ length: count - dropped }, (_, n) => line(n)).join(''));
  expect(recovered).toEqual([dropped]);
  closeSync(reader);
});

it('does not wait at the exit for a stalled reader', async () => {
  const pipe = path.join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const output = new LogOutput(openSync(pipe, 'w'));
  for (let n = 0; n < 5_000; n += 1) output.write(line(n));
  output.writeLast();
  closeSync(reader);
});
