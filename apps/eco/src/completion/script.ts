import type { CommandPath } from './paths.js';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The script that completes the commands of `paths` in a shell. Both shells find the command in the words before the
 * cursor by the same `case`, and then take what may follow it.
 */
export function completionScript(shell: Shell, paths: readonly CommandPath[]): string {
  return (shell === 'bash' ? bashScript : zshScript)(paths);
}

function bashScript(paths: readonly CommandPath[]): string {
  return `# eval "$(eco completion bash)"
_eco() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at='' each words='' value=''
  local IFS=$'\\n'
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${walk(paths)}
  done
${cases(paths)}
  case "$value" in
    folder) COMPREPLY=($(compgen -d -- "$word")) ;;
    file) COMPREPLY=($(compgen -f -- "$word")) ;;
    other) COMPREPLY=() ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
  esac
}
complete -F _eco eco`;
}

function zshScript(paths: readonly CommandPath[]): string {
  return `#compdef eco
# eval "$(eco completion zsh)"
_eco() {
  local previous="\${words[CURRENT-1]}" at='' each value='' candidates=''
  for each in "\${(@)words[2,CURRENT-1]}"; do
${walk(paths)}
  done
${cases(paths).replaceAll('words=', 'candidates=')}
  case "$value" in
    folder) _files -/ ;;
    file) _files ;;
    other) ;;
    *) compadd -- "\${(f)candidates}" ;;
  esac
}
compdef _eco eco`;
}

/** Follows the names of subcommands; other words are options and arguments. */
function walk(paths: readonly CommandPath[]): string {
  const known = paths.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  return `    case "\${at:+$at }$each" in
      ${known.join('|')}) at="\${at:+$at }$each" ;;
    esac`;
}

function cases(paths: readonly CommandPath[]): string {
  const words = paths.map((each) => `    ${quoted(each.path)}) words=${quoted(each.words.join('\n'))} ;;`);
  const values = paths.flatMap(({ path, values: all }) =>
    all.map(({ flag, kind }) => `    ${quoted(`${path} ${flag}`)}) value=${kind} ;;`),
  );
  return ['  case "$at" in', ...words, '  esac', '  case "$at $previous" in', ...values, '  esac'].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
