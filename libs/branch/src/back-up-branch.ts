import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BranchDatabaseError, DATABASE } from './schema.js';

const BUSY_MS = 10_000;

/**
 * Stores a copy of a branch's database in a file, as of one moment, while the branch sells. The counter file is not a part of
 * it: so a copy that is put back is recognised, and begins a new incarnation. Throws a `BranchDatabaseError`.
 */
export function backUpBranch(dir: string, file: string): void {
  const source = path.join(dir, DATABASE);
  if (!existsSync(source)) throw new BranchDatabaseError(`there is no database of a branch in ${dir}`);
  if (existsSync(file)) throw new BranchDatabaseError(`${file} exists: name a new file, or remove it`);
  const unfinished = `${file}.unfinished`;
  rmSync(unfinished, { force: true });
  try {
    copy(source, unfinished);
    renameSync(unfinished, file);
  } catch (error) {
    throw new BranchDatabaseError(`${source} could not be stored in ${file}: ${(error as Error).message}`);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

function copy(source: string, file: string): void {
  const database = new DatabaseSync(source, { timeout: BUSY_MS });
  try {
    database.prepare('VACUUM INTO ?').run(file);
  } finally {
    database.close();
  }
  chmodSync(file, 0o600);
  const stored = new DatabaseSync(file, { readOnly: true });
  try {
    const found = stored.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (found.quick_check !== 'ok') throw new Error(`the copy is damaged: ${found.quick_check}`);
  } finally {
    stored.close();
  }
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
