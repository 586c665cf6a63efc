import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { logBefore } from '@eco/cluster';
import { LogReader } from './log-reader.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-logs-'));
afterAll(() => rmSync(dir, { recursive: true }));

let number = 0;
function newLog(before = '', now = ''): string {
  const file = path.join(dir, `${(number += 1)}.log`);
  if (before !== '') writeFileSync(logBefore(file), before);
  writeFileSync(file, now);
  return file;
}

const all = { lines: 1000, text: undefined };

it('shows the last lines of both files, then what is added, line by line', () => {
  const file = newLog('a\nb\n', 'c\nd');
  const reader = new LogReader(file, { ...all, lines: 2 });
  expect(reader.last()).toEqual(['b', 'c']);
  appendFileSync(file, 'e\nf');
  expect(reader.added()).toEqual(['de']);
  appendFileSync(file, '\n');
  expect(reader.added()).toEqual(['f']);
  expect(reader.added()).toEqual([]);
});

it('shows nothing of what is there with 0 lines', () => {
  expect(new LogReader(newLog('a\n', 'b\n'), { ...all, lines: 0 }).last()).toEqual([]);
});

it('misses no line when the log is moved and emptied in the middle of a line', () => {
  const file = newLog('', 'a\nb');
  const reader = new LogReader(file, all);
  expect(reader.last()).toEqual(['a']);
  appendFileSync(file, 'c\nd\n');
  copyFileSync(file, logBefore(file));
  truncateSync(file);
  appendFileSync(file, 'e\n');
  expect(reader.added()).toEqual(['bc', 'd', 'e']);
});

it('misses no line when the process starts again, even if its new log is longer', () => {
  const file = newLog('', 'a\n');
  const reader = new LogReader(file, all);
  expect(reader.last()).toEqual(['a']);
  appendFileSync(file, 'last\ncut o');
  renameSync(file, logBefore(file));
  writeFileSync(file, 'first of the new process\nsecond\n');
  expect(reader.added()).toEqual(['last', 'first of the new process', 'second']);
});

it('shows only lines with the text, and waits for a file that is not there yet', () => {
  const file = newLog('x 1\ny\n', 'x 2\n');
  expect(new LogReader(file, { ...all, text: 'x' }).last()).toEqual(['x 1', 'x 2']);
  const later = path.join(dir, 'later.log');
  const reader = new LogReader(later, all);
  expect(reader.last()).toEqual([]);
  writeFileSync(later, 'é\n');
  expect(reader.added()).toEqual(['é']);
});

it('reads a line that is longer than a chunk, with characters at its borders', () => {
  const line = 'é'.repeat(300_001);
  expect(new LogReader(newLog('', `${line}\nend\n`), all).last()).toEqual([line, 'end']);
});
