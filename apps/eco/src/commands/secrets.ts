import {
  composeRotate,
  COOKIE,
  isRunning,
  nativeInstallation,
  readRun,
  Refused,
  replaceCookie,
  rotateSecret,
  secretNames,
  type Installation,
} from '@eco/cluster';
import type { Command } from 'commander';
import { BadInput, print } from '../input.js';
import { dataDirOf, isComposeMeant, nothingRuns, secretsOf, targetOptions, type Where } from '../target.js';

interface RotateOptions extends Where {
  readonly endSessions?: boolean;
}

/** `eco secrets`: the passwords and keys of an installation. */
export function registerSecrets(program: Command): void {
  const secrets = program.command('secrets').description('passwords and keys of the installation: list, rotate');
  targetOptions(secrets.command('list', { isDefault: true }).description('names of the secrets')).action(
    (options: Where, command: Command) => print(command, () => list(options)),
  );
  targetOptions(
    secrets
      .command('rotate [names...]')
      .description('replace secrets while everything runs (default: all of the list)')
      .option('--end-sessions', 'end the sessions that were opened with the former password, after a leak'),
  ).action((names: string[], options: RotateOptions, command: Command) => print(command, () => rotate(names, options)));
}

async function list(options: Where): Promise<string> {
  return [...secretNames(await secretsOf(options)), `${COOKIE} (only while all brokers are stopped)`].join('\n');
}

async function rotate(given: readonly string[], { endSessions = false, ...where }: RotateOptions): Promise<string> {
  if (await isComposeMeant(where)) {
    const names = given.length > 0 ? given : secretNames(await secretsOf(where));
    const { code, stdout, stderr } = await composeRotate([endSessions ? 'end-sessions' : 'keep-sessions', ...names]);
    if (code !== 0) throw new BadInput(stderr.trim().replace(/^error: /, ''));
    return stdout.trim();
  }
  const dataDir = dataDirOf(where);
  const run = readRun(dataDir);
  if (run === undefined || !isRunning(run)) {
    if (given.length === 1 && given[0] === COOKIE) return replaceStoppedCookie(dataDir);
    throw nothingRuns(dataDir);
  }
  const names = given.length > 0 ? given : secretNames(await secretsOf(where));
  return rotateAll(nativeInstallation(dataDir, run.layout), names, { endSessions });
}

/** Rotates the secrets one after the other. If one fails, the error also states which were rotated. */
export async function rotateAll(
  installation: Installation,
  names: readonly string[],
  options: { readonly endSessions: boolean },
): Promise<string> {
  const lines: string[] = [];
  for (const name of names) {
    try {
      lines.push(await rotateSecret(installation, name, options));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      throw new BadInput([...lines, error.message].join('; '));
    }
  }
  return lines.join('\n');
}

async function replaceStoppedCookie(dataDir: string): Promise<string> {
  await replaceCookie(dataDir).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new BadInput(`${dataDir} holds no installation`) : error;
  });
  return 'the brokers use a new Erlang cookie from their next start on';
}
