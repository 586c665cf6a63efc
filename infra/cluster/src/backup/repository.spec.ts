import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { archiveCommand, checkRepository, configurationFile, openRepository } from './repository.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'eco-repository-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const account = { type: 'same user' } as const;

describe('the folder of backups', () => {
  it('is made with settings that its operator may change', async () => {
    const dir = path.join(folder, 'backups');
    await openRepository(dir, account);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    const file = configurationFile(dir);
    expect(readFileSync(file, 'utf8')).toContain(`repo1-path=${dir}\n`);
    writeFileSync(file, '[global]\nrepo1-type=s3\n');
    await openRepository(dir, account);
    expect(readFileSync(file, 'utf8')).toBe('[global]\nrepo1-type=s3\n');
    await checkRepository(dir);
  });

  it('is not made in a folder with other content, and not missed in silence', async () => {
    writeFileSync(path.join(folder, 'photo.jpg'), '');
    await expect(openRepository(folder, account)).rejects.toThrow('photo.jpg');
    await expect(checkRepository(folder)).rejects.toThrow('has no backups');
  });
});

test('the archive command names the same files whatever characters their names have', () => {
  const dir = path.join(folder, `o'clock & 100%`);
  const line = archiveCommand('/bin/echo', dir, 'g1', `${dir}/node 1`).replaceAll('%%', '%').replace('%p', 'pg_wal/1');
  expect(execFileSync('sh', ['-c', line], { encoding: 'utf8' })).toBe(
    `--config=${dir}/pgbackrest.conf --config-include-path=${dir}/node 1 --stanza=g1 archive-push pg_wal/1\n`,
  );
});
