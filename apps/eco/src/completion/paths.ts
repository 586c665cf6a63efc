import type { Command } from 'commander';

/** A command and what may follow it. */
export interface CommandPath {
  /** Names from the program on, such as `users add`; empty for the program itself. */
  readonly path: string;
  /** Names of its subcommands and its long options. */
  readonly words: readonly string[];
  /** Its options with a value: the flag, and what the value is. */
  readonly values: readonly { readonly flag: string; readonly kind: 'folder' | 'file' | 'other' }[];
}

/** All commands of a program. */
export function pathsOf(command: Command, path = ''): CommandPath[] {
  const subcommands = command.commands.map((each) => each.name());
  const options = command.options.filter(({ hidden }) => !hidden);
  const words = [...subcommands, ...options.flatMap(({ long }) => long ?? []), '--help'];
  const values = options
    .filter(({ required, optional }) => required || optional)
    .flatMap(({ long, flags }) => (long ? [{ flag: long, kind: kindOf(flags) }] : []));
  return [
    { path, words, values },
    ...command.commands.flatMap((each) => pathsOf(each, path === '' ? each.name() : `${path} ${each.name()}`)),
  ];
}

function kindOf(flags: string): 'folder' | 'file' | 'other' {
  return flags.includes('<dir>') ? 'folder' : flags.includes('<file>') ? 'file' : 'other';
}
