import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { root } from './workspace.js';

/** A text, and the file as which it is linted; the file must exist if the rule reads types. */
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

/**
 * Lints all fixtures in one ESLint process (loading it takes longer than linting them); returns a list of errors for
 * each.
 */
export function lint(fixtures: Fixture[]): LintError[][] {
  // Without a project graph the rule on boundaries is skipped with only a warning.
  run('node_modules/nx/dist/bin/nx.js', ['show', 'projects']);
  return JSON.parse(run('tools/boundaries/lint-texts.mjs', [], JSON.stringify(fixtures))) as LintError[][];
}

/** Returns a script's output. Throws if it fails. */
function run(script: string, args: string[], input = ''): string {
  return execFileSync(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    input,
    encoding: 'utf8',
    env: { ...process.env, NX_DAEMON: 'false' },
  });
}
