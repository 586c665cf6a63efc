import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commitsWith } from './commits.js';
import { subjectViolations } from './subject.js';

describe('a subject', () => {
  it.each([
    'Fail start-up with one line when queue arguments differ',
    'Bring the lock back',
    'Embed the font',
    'Address what a review found',
    'Focus the search',
    'Feed the cache',
    `Keep ${'x'.repeat(67)}`,
  ])('passes: %s', (subject) => {
    expect(subjectViolations(subject)).toEqual([]);
  });

  it.each([
    ['Added a guard', 'does not start with an imperative: Added'],
    ['Adds a guard', 'does not start with an imperative: Adds'],
    ['Published a guard', 'does not start with an imperative: Published'],
    ['Adding a guard', 'does not start with an imperative: Adding'],
    ['add a guard', 'does not start with a capital letter'],
    ['Add a guard.', 'ends with a full stop'],
    [`Keep ${'x'.repeat(68)}`, 'has 73 characters, more than 72'],
  ])('is refused: %s', (subject, violation) => {
    expect(subjectViolations(subject)).toEqual([violation]);
  });
});

// Goal: every commit after the check is found, whatever the clone, and none from before it.
describe('the commits that are checked', () => {
  let folder: string;
  const git = (...args: string[]) => {
    const author = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a' };
    execFileSync('git', args, { cwd: folder, env: { ...process.env, ...author }, stdio: 'pipe' });
  };
  const commit = (subject: string) => git('commit', '-q', '--allow-empty', '-m', subject);
  const checked = (clone = '.') =>
    commitsWith('check', path.join(folder, clone))
      .map(({ subject }) => subject)
      .sort();

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'eco-commits-'));
    git('init', '-q', '-b', 'main');
    commit('before');
    git('branch', 'old');
    writeFileSync(path.join(folder, 'check'), '');
    git('add', 'check');
    commit('adds the check');
    commit('after 1');
    git('checkout', '-q', 'old');
    commit('beside');
    git('checkout', '-q', 'main');
    git('merge', '-q', '--no-ff', '-m', 'merged', 'old');
    commit('after 2');
    for (const depth of [1, 2, 3]) git('clone', '-q', '--depth', `${depth}`, `file://${folder}`, `clone-${depth}`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('descend from the one that adds the check', () => {
    expect(checked()).toEqual(['after 1', 'after 2']);
  });

  it('are those that a shallow clone has', () => {
    expect(checked('clone-1')).toEqual(['after 2']);
    expect(checked('clone-2')).toEqual(['after 2', 'merged']);
    expect(checked('clone-3')).toEqual(['after 1', 'after 2']);
  });

  it('do not include those whose subject git writes', () => {
    git('checkout', '-q', '--detach');
    git('commit', '-q', '--allow-empty', '-m', `Merge ${'a'.repeat(40)} into ${'b'.repeat(40)}`);
    expect(checked()).toEqual(['after 1', 'after 2']);
  });
});
