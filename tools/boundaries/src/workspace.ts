import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(__dirname, '../../..');

/** Paths from the root, sorted. */
export function filesMatching(glob: string): string[] {
  return globSync(glob, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] }).sort();
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
}
