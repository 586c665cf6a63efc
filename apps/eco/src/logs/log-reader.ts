import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { logBefore } from '@eco/cluster';

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** What to show of a log. */
export interface LogFilter {
  /** Most lines of what is there already. */
  readonly lines: number;
  /** Only lines with this text. */
  readonly text: string | undefined;
}

/**
 * The log of one process of this machine: what is there, and what is added. `eco up` moves a long log into a second file
 * and empties it in place. At each start of the process its file becomes the second one.
 */
export class LogReader {
  /** Bytes of the file that were read. */
  #offset = 0;
  #inode: number | undefined;
  /** The beginning of a line whose end is not written yet. */
  #rest: Buffer = Buffer.alloc(0);
  readonly #file: string;
  readonly #filter: LogFilter;

  constructor(file: string, filter: LogFilter) {
    this.#file = file;
    this.#filter = filter;
  }

  /** The last lines. After it, `added` returns what follows. */
  last(): string[] {
    const earlier = this.#linesIn(logBefore(this.#file), 0, Infinity);
    this.#rest = Buffer.alloc(0);
    const all = [...earlier, ...this.added()];
    return all.slice(Math.max(0, all.length - this.#filter.lines));
  }

  /** The whole lines that were added since the last call. */
  added(): string[] {
    const { size, ino } = statSync(this.#file, { throwIfNoEntry: false }) ?? { size: 0, ino: this.#inode };
    const isOther = this.#inode !== undefined && ino !== this.#inode;
    const lines: string[] = [];
    if (isOther || size < this.#offset) {
      // What was not read yet is at the end of the second file.
      lines.push(...this.#linesIn(logBefore(this.#file), this.#offset, Infinity));
      this.#offset = 0;
      // An ended process does not write the end of its last line any more.
      if (isOther) this.#rest = Buffer.alloc(0);
    }
    lines.push(...this.#linesIn(this.#file, this.#offset, size));
    this.#offset = size;
    this.#inode = ino;
    return lines;
  }

  /** The lines in these bytes of a file that pass the filter, at most as many as are shown. Empty without the file. */
  #linesIn(file: string, from: number, to: number): string[] {
    const opened = openIfThere(file);
    if (opened === undefined) return [];
    try {
      const end = Math.min(to, fstatSync(opened).size);
      const lines: string[] = [];
      const buffer = Buffer.alloc(CHUNK_BYTES);
      for (let at = from; at < end;) {
        const count = readSync(opened, buffer, 0, Math.min(CHUNK_BYTES, end - at), at);
        if (count === 0) break;
        at += count;
        lines.push(...this.#linesOf(buffer.subarray(0, count)));
        if (lines.length > 2 * this.#filter.lines) lines.splice(0, lines.length - this.#filter.lines);
      }
      return lines;
    } finally {
      closeSync(opened);
    }
  }

  #linesOf(bytes: Buffer): string[] {
    const all = Buffer.concat([this.#rest, bytes]);
    const end = all.lastIndexOf(NEWLINE) + 1;
    this.#rest = all.subarray(end);
    const lines = all.subarray(0, end).toString().split('\n').slice(0, -1);
    const { text } = this.#filter;
    return text === undefined ? lines : lines.filter((line) => line.includes(text));
  }
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
