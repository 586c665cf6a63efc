import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(__dirname, '../../..');

// All paths are relative to the root.

export function filesMatching(glob: string): string[] {
  return globSync(glob, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] }).sort();
}

export function readText(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

export function readJson(file: string): unknown {
  return JSON.parse(readText(file));
}
