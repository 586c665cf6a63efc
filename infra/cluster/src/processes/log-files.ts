import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';

/*
 * Limits the log files of processes; the processes need not know of it. Every process appends to a file through a
 * descriptor that it was started with. Its content is moved into a second file, and the first is emptied in place. The
 * descriptor stays valid because it appends (O_APPEND): the next line is written at the file's new end.
 */

/** Limit of one file, bytes. A process has two files: this one and the previous one. */
const LOG_FILE_MAX = 100 * 1024 * 1024;
/** Pause between two checks, ms. At 3,000 lines of 300 bytes per second a file grows by 1 MB in this time. */
const LOOK_MS = 1_000;

/** Suffix of the file with the earlier lines. */
export function logBefore(file: string): string {
  return `${file}.before`;
}

/** Keeps log files within their limit while it runs. */
export class LogFiles {
  #timer: NodeJS.Timeout | undefined;
  readonly #files: () => readonly string[];
  readonly #maxBytes: number;

  constructor(files: () => readonly string[], maxBytes = LOG_FILE_MAX) {
    this.#files = files;
    this.#maxBytes = maxBytes;
  }

  begin(): void {
    this.#timer ??= setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    for (const file of this.#files()) await moveIfLarge(file, this.#maxBytes);
    if (this.#timer === undefined) return;
    this.#timer = undefined;
    this.begin();
  }
}

/** Moves a file's content into the previous file if it exceeds `maxBytes`. The process keeps writing to it. */
async function moveIfLarge(file: string, maxBytes: number): Promise<void> {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= maxBytes) return;
  try {
    // Copies most of it asynchronously, then the rest synchronously. Lines written in the microseconds between its end
    // and the emptying are lost: only the process itself could rotate its file without that.
    rmSync(logBefore(file), { force: true });
    await copyFile(file, logBefore(file), constants.COPYFILE_FICLONE);
    appendRest(file, logBefore(file));
  } catch {
    // A full disk has no room for a copy, and needs the space of the file even more.
    rmSync(logBefore(file), { force: true });
    empty(file);
  }
}

function appendRest(from: string, to: string): void {
  const source = openSync(from, 'r+');
  const target = openSync(to, 'a');
  try {
    const buffer = Buffer.alloc(64 * 1024);
    let at = fstatSync(target).size;
    for (let count; (count = readSync(source, buffer, 0, buffer.length, at)) > 0; at += count) {
      writeSync(target, buffer, 0, count);
    }
    ftruncateSync(source);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

function empty(file: string): void {
  const opened = openSync(file, 'r+');
  ftruncateSync(opened);
  closeSync(opened);
}
