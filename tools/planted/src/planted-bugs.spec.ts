import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { plantedBugs, PROJECT_DIR } from './planted-bug.js';

/* That each is caught is shown by `npm run test:planted`; here, that they still fit the tree and name a test that is there. */

const bugs = plantedBugs();

it('there are at least the twelve that were asked for', () => {
  expect(bugs.length).toBeGreaterThanOrEqual(12);
});

it.each(bugs)('$name can be planted', ({ file }) => {
  expect(() => execFileSync('git', ['apply', '--check', file], { cwd: PROJECT_DIR, stdio: 'pipe' })).not.toThrow();
});

it.each(bugs)('$name names a test that is there', ({ spec, test, config }) => {
  const text = readFileSync(path.join(PROJECT_DIR, spec), 'utf8');
  // Of a test in a describe the last part; a name that is filled in stands there with its blanks.
  expect(text).toContain(test);
  expect(config === undefined || existsSync(path.join(PROJECT_DIR, config))).toBe(true);
});
