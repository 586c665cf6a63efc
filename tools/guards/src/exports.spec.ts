import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readText, root } from './repository.js';

const files: Record<string, string> = {
  'package.json': '{ "name": "fixture", "private": true, "workspaces": ["libs/*"] }',
  'knip.jsonc': readText('knip.jsonc'),
  'libs/a/package.json': '{ "name": "@fixture/a", "exports": "./src/index.ts" }',
  'libs/a/src/index.ts': `export { used, deadInIndex } from './a.js';\nexport type { DeadType } from './a.js';`,
  'libs/a/src/a.ts': `export const used = 1;\nexport const deadInIndex = 2;\nexport const deadInFile = 3;\nexport type DeadType = 4;`,
  'libs/b/package.json': '{ "name": "@fixture/b", "main": "src/main.ts", "dependencies": { "@fixture/a": "*" } }',
  'libs/b/src/main.ts': `import { used } from '@fixture/a';\nconsole.log(used);`,
};

// Goal: knip, as it is set up here, finds exports that no other file uses, including exports of a package.
describe('knip', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'eco-knip-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('finds dead exports, and no others', () => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    mkdirSync(path.join(folder, 'node_modules/@fixture'), { recursive: true });
    symlinkSync('../../libs/a', path.join(folder, 'node_modules/@fixture/a'));
    const knip = path.join(root, 'node_modules/knip/bin/knip.js');
    const { status, stdout } = spawnSync(process.execPath, [knip, '--no-progress'], { cwd: folder, encoding: 'utf8' });
    expect(new Set(stdout.match(/\b(?:used|dead\w*)\b/gi))).toEqual(new Set(['deadInIndex', 'deadInFile', 'DeadType']));
    expect(status).toBe(1);
  });
});
