import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(__dirname, '../../..');

/** Paths from the root of all files that are committed or not ignored and match one of these git pathspecs. */
export function filesOf(...pathspecs: string[]): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate', '--', ...pathspecs];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0');
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: root, encoding: 'utf8' }).split('\0');
  return listed.filter((file) => file !== '' && !deleted.includes(file)).sort();
}

export function readText(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}
