import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readText, root } from './repository.js';

const project = (name: string, dependencies: string) => `{ "name": "@eco/${name}", "dependencies": {${dependencies}} }`;
const files: Record<string, string> = {
  // The targets call these scripts, which here only record how they were called.
  'package.json': `{
    "name": "fixture", "private": true, "workspaces": ["apps/*", "libs/*"],
    "scripts": { "build": "echo build >>ran.txt", "jest": "echo jest >>ran.txt" }
  }`,
  'package-lock.json': '{ "name": "fixture", "lockfileVersion": 3, "packages": {} }',
  'nx.json': readText('nx.json'),
  'tools/nx-targets.js': readText('tools/nx-targets.js'),
  'libs/low/package.json': project('low', ''),
  'libs/low/src/low.ts': 'export const low = 1;\n',
  'libs/low/src/low.spec.ts': 'export {};\n',
  'libs/low/src/low.int.spec.ts': 'export {};\n',
  'libs/high/package.json': project('high', '"@eco/low": "*"'),
  'libs/high/src/high.ts': `export { low } from '@eco/low';\n`,
  'libs/high/src/high.spec.ts': 'export {};\n',
  'libs/high/src/high.fault.spec.ts': 'export {};\n',
  'apps/e2e/package.json': project('e2e', ''),
  'apps/e2e/src/whole-system.spec.ts': 'export {};\n',
};

// Goal: the result of a unit test comes from the cache only if nothing that the test reads has changed. A suite with
// servers always runs. The workspace is a small one with the nx.json and the targets of this repository.
describe('the targets of Nx', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'eco-nx-'));
  const ran = path.join(folder, 'ran.txt');

  beforeAll(() => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs all tests with Nx. Returns the suites that really ran and did not come from the cache. */
  function suitesThatRun(): string[] {
    rmSync(ran, { force: true });
    const nx = path.join(root, 'node_modules/nx/dist/bin/nx.js');
    const { NX_SKIP_NX_CACHE: _skip, ...env } = process.env;
    execFileSync(process.execPath, [nx, 'run-many', '--targets', 'test,int,fault'], {
      cwd: folder,
      env: { ...env, NX_DAEMON: 'false', NX_WORKSPACE_ROOT_PATH: folder },
      stdio: 'pipe',
    });
    const lines = existsSync(ran) ? readFileSync(ran, 'utf8').split('\n') : [];
    return lines.flatMap((line) => /--selectProjects (.*) --maxWorkers/.exec(line)?.[1] ?? []).sort();
  }

  it('take unit tests from the cache until a file that they read changes, and never a suite with servers', () => {
    const servers = ['libs/high fault', 'libs/low int'];
    expect(suitesThatRun()).toEqual(['libs/high', ...servers, 'libs/low'].sort());
    expect(suitesThatRun()).toEqual(servers);

    appendFileSync(path.join(folder, 'libs/low/src/low.ts'), '// changed\n');
    expect(suitesThatRun()).toEqual(['libs/high', ...servers, 'libs/low'].sort());
  });
});
