import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { commandAs, type Account } from '../native/account.js';
import { Refused } from '../refused.js';

/** pgBackRest ended with an error. The message has its own lines, and states what it was asked for. */
class BackupError extends Refused {
  override readonly name = 'BackupError';
}

export interface PgbackrestRun {
  readonly program: string;
  readonly account: Account;
  /** Arguments of `selection`. */
  readonly selected: readonly string[];
  readonly command: string;
  readonly args?: readonly string[];
  /** What follows the command. */
  readonly operands?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Output of `info` for many backups, bytes. */
const OUTPUT_MAX = 64 * 1024 * 1024;

/** Runs a command of pgBackRest to its end, as the user of PostgreSQL. Returns its output. */
export async function runPgbackrest(run: PgbackrestRun): Promise<string> {
  const { program, account, selected, command, args = [], operands = [], environment = {}, signal } = run;
  const [file, all] = commandAs(account, program, [...selected, ...args, command, ...operands]);
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = process.env;
  try {
    const { stdout } = await promisify(execFile)(file, all, {
      env: { PATH, LANG: 'C.UTF-8', ...environment },
      cwd: '/',
      maxBuffer: OUTPUT_MAX,
      ...(signal && { signal }),
    });
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    throw new BackupError(`pgBackRest could not do "${command}": ${reasonIn(`${stderr}\n${stdout}`) || message}`, {
      cause: error,
    });
  }
}

/** The error of the output in one line, without time and process. */
function reasonIn(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const first = lines.findIndex((line) => line.includes('ERROR: ['));
  if (first === -1) return lines.filter((line) => line !== '').at(-1) ?? '';
  const rest = lines.slice(first + 1);
  const end = rest.findIndex((line) => line === '' || /(INFO|WARN|DETAIL): /.test(line));
  const error = (lines[first] ?? '').replace(/^.*ERROR: \[(\d+)\]:\s*/, '');
  return [error, ...rest.slice(0, end === -1 ? undefined : end)].join(' ');
}
