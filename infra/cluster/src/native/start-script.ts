import { execFile } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { signalTree } from '../processes/process-tree.js';
import { writeSecretFile } from '../secrets.js';
import { START_SCRIPT, type ServerSpec } from '../servers/server-spec.js';
import { giveTo, type Account } from './account.js';

/** Folder of a server's files. */
export function filesDirOf(dataDir: string, server: string): string {
  return path.join(dataDir, 'files', server);
}

export function startScriptOf(dataDir: string, server: string): string {
  return path.join(filesDirOf(dataDir, server), START_SCRIPT);
}

/** Makes the folder of a server's files, and returns it. Only the account may read it. */
export async function makeFilesDir(dataDir: string, server: string, account?: Account): Promise<string> {
  const dir = filesDirOf(dataDir, server);
  // Each server's user passes through the upper folder, which may belong to another user.
  await mkdir(path.dirname(dir), { recursive: true, mode: 0o711 });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  if (account) giveTo(account, dir);
  return dir;
}

/** Writes a server's files, except `kept`. */
export async function writeFiles(
  dir: string,
  { files }: ServerSpec,
  account?: Account,
  kept: readonly string[] = [],
): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    if (kept.includes(name)) continue;
    const file = path.join(dir, name);
    await writeSecretFile(file, text);
    if (account) giveTo(account, file);
  }
}

export interface ScriptRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Runs a script to its end and returns what it wrote to stderr. An abort kills it with everything that it started. */
export function runScript({ command, args, env, signal }: ScriptRun): Promise<string> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { env, cwd: '/', maxBuffer: OUTPUT_MAX }, (error, _, stderr) => {
      signal.removeEventListener('abort', kill);
      if (error === null) resolve(stderr);
      else reject(signal.aborted ? (signal.reason as Error) : new Error(stderr.trim() || error.message));
    });
    const kill = () => {
      if (child.pid !== undefined) signalTree(child.pid, 'SIGKILL');
    };
    signal.addEventListener('abort', kill);
  });
}

const OUTPUT_MAX = 16 * 1024 * 1024;
