import { Command, type ErrorOptions, type ParseOptionsResult } from 'commander';

/** Exit code of every command line for invalid input. */
export const EXIT_USAGE = 2;

const UNKNOWN_OPTION = 'commander.unknownOption';
const EXCESS_ARGUMENTS = 'commander.excessArguments';

/**
 * A command that names every usage error in one line and ends with 2. commander itself ends with 1 at the first one.
 * A program must call `refuse` before it does anything: the action of a command runs in spite of usage errors, so that it
 * can add the violations that it finds itself.
 */
export class UsageCommand extends Command {
  readonly #usageErrors: string[] = [];
  #unknownOptions: readonly string[] = [];
  #namesUnknownOptions = false;

  /** Subcommands are of this class, too. */
  override createCommand(name?: string): UsageCommand {
    return new UsageCommand(name);
  }

  override parseOptions(args: string[]): ParseOptionsResult {
    const parsed = super.parseOptions(args);
    const end = parsed.unknown.indexOf('--');
    const options = end === -1 ? parsed.unknown : parsed.unknown.slice(0, end);
    this.#unknownOptions = options.filter((arg) => arg.length > 1 && arg.startsWith('-'));
    return parsed;
  }

  override error(message: string, options: ErrorOptions = {}): never {
    const { code = '' } = options;
    if (!code.startsWith('commander.')) return super.error(message, options);
    this.#take(code, message);
    // commander continues and finds the next error.
    return undefined as never;
  }

  /** Ends the process with 2 if there are usage errors, or violations that the program has found in its input. */
  refuse(violations: readonly string[] = []): void {
    const all = [...this.#ofAll(), ...violations];
    if (all.length > 0) super.error(`error: ${all.join('; ')}`, { exitCode: EXIT_USAGE });
  }

  #take(code: string, message: string): void {
    // The value of an unknown option looks like an argument.
    if (code === EXCESS_ARGUMENTS && this.#unknownOptions.length > 0) return;
    const unknown = code === EXCESS_ARGUMENTS ? this.#unknownSubcommand() : undefined;
    this.#usageErrors.push(unknown ?? message.replace(/^error: /, '').replaceAll('\n', ' '));
    if (code === UNKNOWN_OPTION && !this.#namesUnknownOptions) this.#nameOtherUnknownOptions();
  }

  /** commander names the first one only, and takes all of them for arguments. */
  #nameOtherUnknownOptions(): void {
    this.#namesUnknownOptions = true;
    this.args = this.args.filter((arg) => !this.#unknownOptions.includes(arg));
    const command = this as unknown as { unknownOption(flag: string): void };
    for (const option of this.#unknownOptions.slice(1)) command.unknownOption(option);
  }

  /** The message for an argument of a command that runs because the given one is not known. */
  #unknownSubcommand(): string | undefined {
    const [first] = this.args;
    const isDefault = this.parent !== null && this.parent.args[0] !== this.name();
    return isDefault ? `unknown command '${this.parent?.name()} ${first}'` : undefined;
  }

  #ofAll(): string[] {
    const own = this.#usageErrors;
    return this.parent instanceof UsageCommand ? [...this.parent.#ofAll(), ...own] : own;
  }
}
