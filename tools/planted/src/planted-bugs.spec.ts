import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { plantedBugs, PROJECT_DIR } from './planted-bug.js';

/*
 * `npm run test:planted` shows that each bug is caught. This spec checks that each bug still fits the tree and names an
 * existing test.
 */

const bugs = plantedBugs();

it.each(bugs)('$name can be planted', ({ file }) => {
  expect(() => execFileSync('git', ['apply', '--check', file], { cwd: PROJECT_DIR, stdio: 'pipe' })).not.toThrow();
});

it.each(bugs)('$name names a test that exists', ({ spec, test, config }) => {
  // For a test in a describe, this is the last part of the name. A test whose name is a variable may be in another file
  // than the spec.
  expect(existsSync(path.join(PROJECT_DIR, spec))).toBe(true);
  const folder = path.join(PROJECT_DIR, path.dirname(spec));
  const texts = globSync('*.ts', { cwd: folder }).map((file) => readFileSync(path.join(folder, file), 'utf8'));
  expect(texts.some((text) => text.includes(test))).toBe(true);
  expect(config === undefined || existsSync(path.join(PROJECT_DIR, config))).toBe(true);
});
