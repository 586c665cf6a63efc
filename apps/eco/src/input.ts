import type { Command } from 'commander';

/** What was asked for can't be done as it was said, or not now. One line to the user, no stack. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

const EXIT_BAD_INPUT = 2;

/** What `work` throws of these kinds is told to people in its own words. */
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

/** Names all violations at once. */
export function refuse(violations: readonly string[]): void {
  if (violations.length > 0) throw new BadInput(violations.join('; '));
}

export function whole(number: number): string {
  return number.toLocaleString('en-US');
}

/** Adds to `faults` and gives 0 back when the text is no whole number within the limits. */
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

/** Prints what `work` gives. Bad input ends as one line on stderr; anything else is a bug and goes on to whoever runs the program. */
export async function print(command: Command, work: Promise<string>): Promise<void> {
  try {
    const text = await work;
    command.configureOutput().writeOut?.(`${text}\n`);
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    command.error(`error: ${error.message}`, { exitCode: EXIT_BAD_INPUT });
  }
}
