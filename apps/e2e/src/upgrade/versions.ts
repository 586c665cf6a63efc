import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';

const run = promisify(execFile);

/**
 * The version before: the commit before the last one that changed the schema of the databases and of a branch. A commit
 * that changes them again moves it to its own parent.
 */
export const VERSION_BEFORE = '19af6d9e22fd6a343875b39fb9c0d324072a4a37^';

/** Folders and files that make a version; the rest is for its developers. */
const PARTS = ['apps', 'libs', 'infra', 'tools', 'package.json'];

/** Puts the version before into a folder and builds it. Its packages from outside are those of this version. */
export async function makeVersionBefore(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const archive = path.join(dir, 'version.tar');
  await run('git', ['archive', '--output', archive, VERSION_BEFORE], { cwd: PROJECT_DIR });
  await run('tar', ['-xf', archive, '-C', dir]);
  await rm(archive);
  await linkPackages(dir);
  await run(process.execPath, [path.join(PROJECT_DIR, 'node_modules/.bin/tsc'), '-b'], {
    cwd: dir,
    maxBuffer: 16 * 1024 * 1024,
  });
}

/** Copies this version, which is built, into a folder. */
export async function copyThisVersion(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const part of PARTS) await cp(path.join(PROJECT_DIR, part), path.join(dir, part), { recursive: true });
  await linkPackages(dir);
}

/** Puts the version in `next` in the place of that in `dir`. */
export async function replaceVersion(dir: string, next: string): Promise<void> {
  await rename(dir, `${dir}-before`);
  await rename(next, dir);
}

/** Its own packages are in its own folder, all others in that of this version. */
async function linkPackages(dir: string): Promise<void> {
  const from = path.join(PROJECT_DIR, 'node_modules');
  const to = path.join(dir, 'node_modules');
  await mkdir(to);
  const names = (await readdir(from)).filter((name) => name !== '@eco' && name !== '.bin');
  for (const name of names) await symlink(path.join(from, name), path.join(to, name));
  await cp(path.join(from, '@eco'), path.join(to, '@eco'), { recursive: true, verbatimSymlinks: true });
}
