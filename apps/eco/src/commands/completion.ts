import { UsageCommand } from '@eco/cluster';
import type { Command } from 'commander';
import { completionScript, SHELLS } from '../completion/script.js';
import { pathsOf } from '../completion/paths.js';
import { oneOf, printChecked } from '../input.js';

/** `eco completion`: what a shell needs to complete commands and options. */
export function registerCompletion(program: Command): void {
  program
    .command('completion <shell>')
    .description(`print the completion script for a shell: ${SHELLS.join(' or ')}`)
    .action((text: string, _options: unknown, command: UsageCommand) =>
      printChecked(
        command,
        (violations) => oneOf('the shell', text, SHELLS, violations),
        (shell) => Promise.resolve(completionScript(shell, pathsOf(program))),
      ),
    );
}
