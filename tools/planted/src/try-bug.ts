import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { PlantedBug } from './planted-bug.js';
import type { Tree } from './tree.js';
import { verdictOf, type JestReport, type Verdict } from './verdict.js';

/** Runs the one spec that must catch the bug, with the bug in the tree. The tree is restored afterwards. */
export async function tryBug(tree: Tree, bug: PlantedBug): Promise<Verdict> {
  tree.plant(bug.file);
  try {
    if (bug.needsBuild) {
      const built = await run(tree, ['node_modules/.bin/tsc', '-b']);
      if (built.code !== 0) return { type: 'unclear', why: `it does not compile: ${built.output.slice(0, 500)}` };
    }
    return await runSpec(tree, bug);
  } finally {
    tree.pullOut(bug.file);
  }
}

async function runSpec(tree: Tree, { spec, test, config }: PlantedBug): Promise<Verdict> {
  const reportFile = path.join(tree.dir, 'jest-report.json');
  rmSync(reportFile, { force: true });
  const { output } = await run(tree, [
    ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'],
    ...['--maxWorkers', '1', '--json', '--outputFile', reportFile, '--testNamePattern', literally(test)],
    ...(config === undefined ? [] : ['--config', config]),
    ...['--runTestsByPath', spec],
  ]);
  try {
    return verdictOf(test, JSON.parse(readFileSync(reportFile, 'utf8')) as JestReport);
  } catch {
    return { type: 'unclear', why: output.slice(-500) };
  }
}

function run(tree: Tree, args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    // The variables of a surrounding Jest are left out.
    const { JEST_WORKER_ID: _worker, NODE_ENV: _environment, ...env } = process.env;
    const child = spawn(process.execPath, args, { cwd: tree.dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function literally(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}
