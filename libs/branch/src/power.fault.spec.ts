import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { violationsOf } from './test/check.js';
import { sellUntilKilled } from './test/selling.js';
import { cashSale, openBranch, valueOf } from './test/shop.js';

/*
 * A power failure: only what was synced is on the disk afterwards. The disk is a file with an ext4 file system. The loop
 * device writes to it directly, so a copy of the file has what the file system has written, and that is what was synced:
 * the file system writes nothing else for minutes. Needs Linux and root, like other fault specs.
 */

let dir: string;
let undo: (() => void)[];
beforeEach(() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('a disk is mounted by root on Linux');
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-power-'));
  undo = [() => rmSync(dir, { recursive: true })];
});
afterEach(() => {
  for (const step of undo.reverse()) step();
});

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim();

/** Mounts a disk image; returns the folder. */
function mount(image: string): string {
  const folder = `${image}-mounted`;
  mkdirSync(folder);
  const device = run('losetup', '--find', '--show', '--direct-io=on', image);
  undo.push(() => run('losetup', '--detach', device));
  run('mount', '-o', 'commit=300', device, folder);
  undo.push(() => run('umount', folder));
  return folder;
}

function makeDisk(): string {
  const image = path.join(dir, 'disk');
  run('truncate', '--size', '128M', image);
  run('mkfs.ext4', '-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image);
  return image;
}

/** Sells on the disk until the power fails; returns what was sold, and the folder after the power is back. */
async function sellUntilPowerFails(options: { readonly sales: number; readonly unsynced: boolean }) {
  const disk = makeDisk();
  const before = mount(disk);
  const prepared = await sellUntilKilled({ dir: before, callers: 4, sales: 1 });
  // Without this the control would lose the tables, too.
  if (options.unsynced) run('sync', '--file-system', before);
  const sold = await sellUntilKilled({ dir: before, callers: 4, ...options });
  const after = path.join(dir, 'disk-after');
  copyFileSync(disk, after);
  return { sold: [prepared, sold], folder: mount(after) };
}

// The WAL is copied, and synced for that, about every 200 sales.
it.each([30, 300])('loses no acknowledged sale when the power fails after %i sales', async (sales) => {
  const { sold, folder } = await sellUntilPowerFails({ sales, unsynced: false });
  const branch = openBranch(folder, { limitBytes: 4e9 });
  try {
    expect(branch.status).toMatchObject({ incarnation: 1, frozen: undefined });
    expect(violationsOf(branch, sold)).toEqual([]);
    const next = branch.sales.page({ limit: 1_000_000 }).filter(({ till }) => till === '1').length + 1;
    const { receiptNumber } = valueOf(await branch.sales.sell(cashSale('cafe')));
    expect(receiptNumber).toBe(`A-sucursal-1-1-1-${next}`);
  } finally {
    branch.close();
  }
});

it('would lose sales without the syncs, so the test above can see a loss', async () => {
  const { sold, folder } = await sellUntilPowerFails({ sales: 300, unsynced: true });
  const branch = openBranch(folder, { limitBytes: 4e9 });
  try {
    expect(violationsOf(branch, sold).filter((each) => each.includes('is lost')).length).toBeGreaterThan(100);
  } finally {
    branch.close();
  }
});
