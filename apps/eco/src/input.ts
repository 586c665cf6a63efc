import { Refused } from '@eco/cluster';
import type { Command } from 'commander';

/** The request is invalid or can't be carried out now. The user gets one line, without a stack. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

const EXIT_BAD_INPUT = 2;

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

/** Reports all violations at once. */
export function refuse(violations: readonly string[]): void {
  if (violations.length > 0) throw new BadInput(violations.join('; '));
}

export function whole(number: number): string {
  return number.toLocaleString('en-US');
}

/** The number in `text`. If it is no whole number within the limits, a violation is added and the result is 0. */
export function wholeNumberOf(
  option: string,
  text: string,
  { min = 1, max }: { min?: number; max: number },
  violations: string[],
): number {
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  violations.push(`${option} must be a whole number from ${whole(min)} to ${whole(max)}, not ${JSON.stringify(text)}`);
  return 0;
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
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
 * Prints the result of `work`. Bad input is one line on stderr; any other error is a bug and is passed to the caller.
 */
export async function print(command: Command, work: Promise<string>): Promise<void> {
  try {
    const text = await work;
    command.configureOutput().writeOut?.(`${forTerminal(text)}\n`);
  } catch (error) {
    if (!(error instanceof BadInput || error instanceof Refused)) throw error;
    command.error(`error: ${forTerminal(error.message)}`, { exitCode: EXIT_BAD_INPUT });
  }
}
