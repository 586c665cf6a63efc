import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { root } from './workspace.js';

/** A text, and the file it is linted as, which must exist if the rule in question reads types. */
export interface Fixture {
  /** Path from the root. */
  file: string;
  text: string;
  typed?: boolean;
}

export interface LintError {
  ruleId: string | null;
  message: string;
}

/** Lints all fixtures in one ESLint (loading it takes longer than linting them); a list of faults for each. */
export function lint(fixtures: Fixture[]): LintError[][] {
  // Without a graph of the projects the rule on boundaries is skipped with no more than a warning.
  run('node_modules/nx/dist/bin/nx.js', ['show', 'projects']);
  return JSON.parse(run('tools/boundaries/lint-texts.mjs', [], JSON.stringify(fixtures))) as LintError[][];
}

/** What a script prints. Throws if it fails. */
function run(script: string, args: string[], input = ''): string {
  return execFileSync(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    input,
    encoding: 'utf8',
    env: { ...process.env, NX_DAEMON: 'false' },
  });
}
