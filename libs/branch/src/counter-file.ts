import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { hash } from 'node:crypto';

/** How far a branch's database had come. */
export interface Counter {
  readonly incarnation: number;
  /** `writes` of the database. */
  readonly writes: number;
}

const BYTES = 128;

/**
 * A file next to the database with a copy of its counter. It shows that the database is older than it was: a copy from a
 * backup. The copy is written after each commit, and so is never ahead of the database, even after a power failure. It is
 * synced at the start and at each grant; so a power failure may leave an older counter, which proves less and no
 * falsehood.
 */
export class CounterFile {
  readonly #fd: number;

  /** `file` exists. */
  constructor(file: string) {
    this.#fd = openSync(file, 'r+');
  }

  /** `none`: nothing was ever written. `unreadable`: it is not what was written. */
  read(): Counter | 'none' | 'unreadable' {
    if (fstatSync(this.#fd).size === 0) return 'none';
    const bytes = Buffer.alloc(BYTES);
    readSync(this.#fd, bytes, 0, BYTES, 0);
    const [, incarnation, writes, check] = /^(\d+) (\d+) ([0-9a-f]{16})\n/.exec(bytes.toString('latin1')) ?? [];
    if (incarnation === undefined || writes === undefined || check !== checkOf(`${incarnation} ${writes}`)) {
      return 'unreadable';
    }
    return { incarnation: Number(incarnation), writes: Number(writes) };
  }

  /** One write of a part of one sector, so a power failure leaves the old text or the new one. */
  write({ incarnation, writes }: Counter): void {
    const text = `${incarnation} ${writes}`;
    writeSync(this.#fd, Buffer.from(`${text} ${checkOf(text)}\n`.padEnd(BYTES), 'latin1'), 0, BYTES, 0);
  }

  sync(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function checkOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}
