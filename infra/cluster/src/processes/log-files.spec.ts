import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '@eco/testing';
import { LogFiles, logBefore } from './log-files.js';

let dir: string;
beforeEach(() => (dir = mkdtempSync(path.join(os.tmpdir(), 'eco-log-files-'))));
afterEach(() => rmSync(dir, { recursive: true }));

// ASVS 5.0: 16.4.2
it('keeps the log of a writing process within its limit, in two files, and in order', async () => {
  const file = path.join(dir, 'a.log');
  const log = openSync(file, 'a', 0o600);
  // The script writes as long as its input is open.
  const script = 'n=0; while ! read -t 0 _; do n=$((n + 1)); echo "$n"; done; exit 0';
  const child = spawn('bash', ['-c', script], { stdio: ['pipe', log, 'inherit'] });
  closeSync(log);
  const maxBytes = 50_000;
  const files = new LogFiles(() => [file, path.join(dir, 'none.log')], maxBytes);
  files.begin();
  try {
    const firstLines = new Set<string>();
    await eventually('it was moved three times', () => {
      const [first = ''] = existsSync(logBefore(file)) ? readFileSync(logBefore(file), 'utf8').split('\n') : [];
      if (first !== '') firstLines.add(first);
      return firstLines.size > 2;
    });
  } finally {
    files.end();
    child.stdin?.end('\n');
    await new Promise((resolve) => child.once('close', resolve));
  }
  const lines = [logBefore(file), file].flatMap((each) => readFileSync(each, 'utf8').split('\n').filter(Boolean));
  const numbers = lines.map(Number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  // A line that is written while the file is emptied may be lost, and this process writes all the time.
  const written = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 1;
  // On a busy machine the moment between copying and emptying may last some ms.
  expect(numbers.length).toBeGreaterThan(written * 0.9);
  expect(statSync(logBefore(file)).mode & 0o777).toBe(0o600);
});
