import { fstatSync, write as writeAsync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/*
 * A log is best effort: a full disk, or a reader that has ended or stalls, must never block the process. pino's own
 * destination (sonic-boom 4.2.1) can't guarantee that: a write error ends the process, its `flushSync` repeats a failed
 * write forever, and a pipe with a stalled reader holds a thread, so that the process can't exit.
 */

/** Most bytes of one write: under load one write takes many lines. */
const WRITE_FROM = 8_192;
/** Time that lines wait for others, ms, if fewer bytes than one write have gathered. */
const GATHER_MS = 100;
/** Most UTF-16 units that wait while nothing can be written: some 4,000 lines. Further lines are dropped. */
const WAITING_MAX = 1024 * 1024;
/** Pause between two attempts after a failure, ms. A full pipe is only slow; any other error means it is broken. */
const RETRY_MS = { full: 20, broken: 1_000 };

export interface LogOutputOptions {
  readonly waitingMax?: number;
  /** Called with the number of lines dropped since the last call, once a write succeeds again. */
  readonly onRecovered?: (dropped: number) => void;
}

/** Writes lines to a descriptor, without ever waiting for it. */
export class LogOutput {
  readonly #fd: number;
  readonly #waitingMax: number;
  readonly #onRecovered: (dropped: number) => void;
  /** Keeps the descriptor non-blocking, and serves no other purpose. */
  #nonBlocking: Socket | 'not needed' | undefined;
  #waiting = '';
  /** The rest of the running write, or of a failed one. */
  #chunk: Buffer | undefined;
  #isWriting = false;
  #timer: NodeJS.Timeout | undefined;
  #dropped = 0;
  #reported = 0;

  constructor(fd: number, { waitingMax = WAITING_MAX, onRecovered = () => undefined }: LogOutputOptions = {}) {
    this.#fd = fd;
    this.#waitingMax = waitingMax;
    this.#onRecovered = onRecovered;
  }

  /** Number of lines that were never written. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > this.#waitingMax) {
      this.#dropped += 1;
      return;
    }
    this.#waiting += line;
    if (this.#isWriting || this.#chunk !== undefined) return;
    if (this.#waiting.length >= WRITE_FROM) this.#writeNext();
    else this.#timer ??= setTimeout(() => this.#writeNext(), GATHER_MS).unref();
  }

  /** Tries once to write the waiting lines. It is the last action of the process. */
  writeLast(): void {
    clearTimeout(this.#timer);
    this.#nonBlocking ??= nonBlocking(this.#fd);
    try {
      // A write that still runs ends by itself, because nothing here can block a thread.
      const failed = this.#isWriting ? undefined : this.#chunk;
      const rest = Buffer.concat([...(failed ? [failed] : []), Buffer.from(this.#waiting)]);
      for (let at = 0; at < rest.length;) at += writeSync(this.#fd, rest, at);
    } catch {
      // Nobody is left to report it to.
    }
    this.#waiting = '';
    this.#chunk = undefined;
  }

  #writeNext(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#chunk === undefined) {
      if (this.#waiting === '') return;
      this.#chunk = Buffer.from(this.#waiting);
      this.#waiting = '';
    }
    const chunk = this.#chunk;
    this.#nonBlocking ??= nonBlocking(this.#fd);
    this.#isWriting = true;
    writeAsync(this.#fd, chunk, (error, count) => {
      this.#isWriting = false;
      if (error) return this.#retryLater(error);
      this.#chunk = count < chunk.length ? chunk.subarray(count) : undefined;
      if (this.#chunk === undefined) this.#reportDropped();
      if (this.#chunk !== undefined || this.#waiting.length >= WRITE_FROM) this.#writeNext();
      else if (this.#waiting !== '') this.#timer ??= setTimeout(() => this.#writeNext(), GATHER_MS).unref();
    });
  }

  #retryLater({ code }: NodeJS.ErrnoException): void {
    const ms = code === 'EAGAIN' || code === 'EBUSY' ? RETRY_MS.full : RETRY_MS.broken;
    this.#timer ??= setTimeout(() => this.#writeNext(), ms).unref();
  }

  #reportDropped(): void {
    const dropped = this.#dropped - this.#reported;
    if (dropped === 0) return;
    this.#reported = this.#dropped;
    this.#onRecovered(dropped);
  }
}

/**
 * A blocked write would hold a thread of libuv's pool, and an exiting process waits for those. Opening a pipe or a
 * socket with Node's own class makes it non-blocking. Nothing is ever written through that object, since it would close
 * on an error.
 */
function nonBlocking(fd: number): Socket | 'not needed' {
  try {
    const kind = fstatSync(fd);
    if (!kind.isFIFO() && !kind.isSocket()) return 'not needed';
    return new Socket({ fd, readable: false, writable: true }).unref();
  } catch {
    return 'not needed';
  }
}
