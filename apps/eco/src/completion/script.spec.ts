import { spawnSync } from 'node:child_process';
import { createProgram } from '../program.js';
import { pathsOf } from './paths.js';
import { completionScript } from './script.js';

const paths = pathsOf(createProgram());

/** What bash offers for the last of these words. */
function offered(...words: string[]): string[] {
  const script = `${completionScript('bash', paths)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _eco; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'eco', ...words], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

it('bash completes commands, subcommands and options', () => {
  expect(offered('sta')).toEqual(['status']);
  expect(offered('users', 'set')).toEqual(['set-role', 'set-branch']);
  expect(offered('dead-letters', 'replay', '--cl')).toEqual(['--class']);
  expect(offered('status', '--docker', '--j')).toEqual(['--json']);
  expect(offered('journal', 'drain', 'central-api-1', '--set')).toEqual(['--set-aside']);
});

it('bash completes folders where a folder is named, and nothing where another value is', () => {
  expect(offered('status', '--data', '/us')).toEqual(['/usr']);
  expect(offered('load', '--orders', '')).toEqual([]);
});

it('every command and option is in the scripts of both shells', () => {
  for (const shell of ['bash', 'zsh'] as const) {
    const script = completionScript(shell, paths);
    for (const { path, words } of paths) for (const word of [path, ...words]) expect(script).toContain(word);
  }
});
