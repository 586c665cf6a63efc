import { EXIT_USAGE, Refused, UsageCommand } from '@eco/cluster';
import type { Command } from 'commander';

export { whole, wholeNumberOf } from '@eco/cluster';

/** The request is invalid or can't be carried out now. The user gets one line, without a stack. */
export class BadInput extends Refused {
  override readonly name = 'BadInput';
}

/** Errors of these kinds from `work` are shown to the user with their own message. */
export async function asBadInput<T>(
  kinds: readonly (abstract new (...args: never[]) => Error)[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw kinds.some((kind) => error instanceof kind) ? new BadInput((error as Error).message) : error;
  }
}

/**
 * The text if it is one of these. Otherwise a violation is added and the result is the first of them. Undefined: it is
 * missing, which is a usage error already.
 */
export function oneOf<T extends string>(
  option: string,
  text: string | undefined,
  all: readonly T[],
  violations: string[],
): T {
  const found = all.find((each) => each === text);
  if (found !== undefined || text === undefined) return found ?? (all[0] as T);
  violations.push(`${option} must be one of ${all.join(', ')}, not ${JSON.stringify(text)}`);
  return all[0] as T;
}

/** The value as JSON. A member without a value is null, so that every result of a command has the same members. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (each === undefined ? null : each), 2);
}

/**
 * The text with escapes for the characters that a terminal obeys or hides, because a dead letter may contain text of a
 * stranger. The escapes are those of JSON, so JSON remains valid.
 */
export function forTerminal(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/**
 * Runs `work` and prints its result. Usage errors and bad input are one line on stderr; any other error is a bug and is
 * passed to the caller.
 */
export function print(command: Command, work: () => Promise<string>): Promise<void> {
  return printChecked(command, () => undefined, work);
}

/**
 * The same for a command whose input is checked first: `read` adds the violations in it, and `work` runs only if there
 * are none. So one line names them all, with the usage errors.
 */
export async function printChecked<Input>(
  command: Command,
  read: (violations: string[]) => Input,
  work: (input: Input) => Promise<string>,
): Promise<void> {
  try {
    const violations: string[] = [];
    const input = read(violations);
    (command as UsageCommand).refuse(violations.map(forTerminal));
    const text = await work(input);
    if (text !== '') command.configureOutput().writeOut?.(`${forTerminal(text)}\n`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    command.error(`error: ${forTerminal(error.message)}`, { exitCode: EXIT_USAGE });
  }
}
