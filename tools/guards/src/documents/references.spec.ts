import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { filesOf, readText, root } from '../repository.js';
import { brokenReferences } from './references.js';

const repository = (file: string) => {
  const at = path.join(root, file);
  if (!existsSync(at)) return undefined;
  return statSync(at).isDirectory() ? '' : readText(file);
};

test.each(filesOf('*.md'))('%s has no broken reference', (file) => {
  expect(brokenReferences(file, repository)).toEqual([]);
});

// Goal: each kind of reference is found when it is broken.
describe('a reference', () => {
  const spec = "it('takes an order', f);\nit('can\\'t wait', f);\nit(`lasts ${n} ms`, f);";
  const linked = '# One: two\n\n## `code` & more\n\n## Twice\n\n## Twice\n\n```\n# no heading\n```\n';
  const files: Record<string, string> = { 'libs/a/a.spec.ts': spec, 'docs/b.md': linked, docs: '', 'libs/a': '' };
  const broken = (text: string) =>
    brokenReferences('docs/a.md', (file) => (file === 'docs/a.md' ? text : files[path.posix.join(file, '.')]));

  test.each([
    ['a test', '`libs/a/a.spec.ts` › “takes an\norder”, “can’t wait” and “lasts ${n} ms”'],
    ['the beginning of a test', '`libs/a/a.spec.ts` › “takes …”'],
    ['a file and a folder', '`libs/a/a.spec.ts`, `libs/a`, `libs/a/`, `libs/*`, `libs/<name>/x`'],
    ['a link', '[b](b.md), [c](../libs/a/a.spec.ts), [d](https://a.b/c.md), <img src="b.md">\n\n[e]: b.md'],
    ['an anchor', '# A\n[a](#a), [b](b.md#one-two) [c](b.md#code--more) [d](b.md#twice) [e](b.md#twice-1)'],
    ['a link in code', '`[b](c.md)`\n\n```\n[b](c.md)\n```\n'],
  ])('to %s passes', (_, text) => {
    expect(broken(text)).toEqual([]);
  });

  test.each([
    [
      'a test that is not there',
      '`libs/a/a.spec.ts` › “takes an order”, “is\nslow”',
      'no test “is slow” in libs/a/a.spec.ts',
    ],
    ['a part of a test', '`libs/a/a.spec.ts` › “takes”', 'no test “takes” in libs/a/a.spec.ts'],
    ['a test of no file', '`libs/b.spec.ts` › “is slow”', 'no file libs/b.spec.ts'],
    ['no file', 'See `libs/b/`.', 'no file libs/b/'],
    ['a link to no file', '[c](c.md)', 'nothing at c.md'],
    ['an image of no file', '<source srcset="c.svg">', 'nothing at c.svg'],
    ['a link to no heading', '[b](b.md#three)', 'nothing at b.md#three'],
    ['a link to a comment in code', '[b](b.md#no-heading)', 'nothing at b.md#no-heading'],
    ['a link to no heading of its own', '# A\n[b](#b)', 'nothing at #b'],
  ])('to %s is found', (_, text, finding) => {
    expect(broken(text)).toEqual([finding]);
  });
});
