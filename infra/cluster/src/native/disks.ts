import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { SMALL_DISK_MB } from '../description.js';
import { Refused } from '../refused.js';

/** A small disk in memory for each server, so that a test can fill it without affecting others. */
export class Disks {
  readonly #mounted = new Set<string>();
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Mount point of the server's disk. */
  dirOf(server: string): string {
    return path.join(this.#dataDir, DISKS_DIR, server);
  }

  /** Throws a `Refused` if this user may not mount. */
  async mount(server: string): Promise<void> {
    const dir = this.dirOf(server);
    await mkdir(dir, { recursive: true });
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK_MB}m,mode=0700`, `eco-${server}`, dir]);
    } catch (error) {
      throw new Refused(`servers whose disks can be filled need root and the right to mount: ${String(error)}`, {
        cause: error,
      });
    }
    this.#mounted.add(dir);
  }

  async fill(server: string): Promise<void> {
    // The command writes until the disk is full, and that error ends it.
    await run('sh', ['-c', 'cat /dev/zero > "$0" 2>/dev/null || true', this.#filler(server)]);
  }

  async free(server: string): Promise<void> {
    await rm(this.#filler(server), { force: true });
  }

  /** Unmounts all disks. No process may use them any more. */
  async remove(): Promise<void> {
    for (const dir of this.#mounted) await run('umount', [dir]);
    this.#mounted.clear();
  }

  #filler(server: string): string {
    return path.join(this.dirOf(server), 'filler');
  }
}

/** Name of the folder of disks in the data folder. */
const DISKS_DIR = 'disks';

const run = promisify(execFile);
