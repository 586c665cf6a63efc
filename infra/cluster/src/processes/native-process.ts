import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { NotInTime, until } from '../until.js';
import { startOf } from './identity.js';
import { logBefore } from './log-files.js';
import { pauseTree, signalTree } from './process-tree.js';
import type { StopStage } from './stop-stages.js';

type Environment = Readonly<Record<string, string>>;

export interface ProcessSpec {
  readonly name: string;
  readonly stage: StopStage;
  readonly command: string;
  readonly args: readonly string[];
  /** A function is called at each start. */
  readonly env: Environment | (() => Environment);
  readonly cwd: string;
  /** File for its stdout and stderr. The previous run's output is kept in a second file. */
  readonly logFile: string;
  /** Signal that requests an orderly end. */
  readonly stopSignal: NodeJS.Signals;
  /** Time limit of an orderly end, ms. Then the process is killed, with everything it started. */
  readonly stopMs: number;
  /** Whether the process works by now. */
  ready(pid: number): Promise<boolean>;
  /** Time limit from the start of the process until it is ready, ms. */
  readonly readyMs: number;
  /** The start has failed when the process has ended this many times before it was ready. Default: 1. */
  readonly startTries?: number;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * One process of the cluster. It leads its own session, so Ctrl-C in the terminal reaches only the starter, which ends
 * the processes in order.
 */
export class NativeProcess {
  #child: ChildProcess | undefined;
  #beginning: Promise<void> | undefined;
  #ended: Promise<ProcessEnd> | undefined;
  /** True: the process was started, and no stop has been requested since. */
  #isWanted = false;
  #isStopped = false;
  readonly #observer: { started(process: NativeProcess): void; ended(process: NativeProcess): void };

  constructor(
    readonly spec: ProcessSpec,
    observer: { started(process: NativeProcess): void; ended(process: NativeProcess): void },
  ) {
    this.#observer = observer;
  }

  get name(): string {
    return this.spec.name;
  }

  get stage(): StopStage {
    return this.spec.stage;
  }

  /** Pid of the running process, or of the last one after its end; 0 before the first start. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its stop was requested, and no start since. A killed process is not stopped. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The process's start, in the machine's format; see `startOf`. */
  get begun(): string {
    return startOf(this.pid) ?? '';
  }

  /** Resolves when it is ready. Throws a `ProcessError` if it ends before, or is not ready in time. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#isWanted = true;
    this.#isStopped = false;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#startOnce(signal);
      } catch (error) {
        if (this.running || !this.#isWanted || tries >= (this.spec.startTries ?? 1)) throw error;
      }
    }
  }

  async #startOnce(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (!this.running) await (this.#beginning ??= this.#begin().finally(() => (this.#beginning = undefined)));
    const probe = async () => {
      if (!this.running) throw new ProcessError(this, `ended (${endText(await this.ended())})`);
      return this.spec.ready(this.pid);
    };
    await until('was not ready', probe, { deadlineMs: this.spec.readyMs, signal }).catch((error: Error) => {
      throw error instanceof NotInTime ? new ProcessError(this, error.message) : error;
    });
  }

  async #begin(): Promise<void> {
    const { command, args, cwd, logFile } = this.spec;
    const env = typeof this.spec.env === 'function' ? this.spec.env() : this.spec.env;
    mkdirSync(path.dirname(logFile), { recursive: true });
    if (existsSync(logFile)) renameSync(logFile, logBefore(logFile));
    const log = openSync(logFile, 'a', 0o600);
    try {
      const child = spawn(command, args, { env, cwd, detached: true, stdio: ['ignore', log, log] });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', (error) => reject(new Error(`${this.name} can't be started: ${error.message}`)));
      });
      this.#child = child;
      this.#ended = new Promise((resolve) => {
        child.once('exit', (code, signal) => {
          this.#observer.ended(this);
          resolve({ code, signal });
        });
      });
      this.#observer.started(this);
    } finally {
      closeSync(log);
    }
  }

  /** Resolves when it has ended; at once if it does not run. */
  async ended(): Promise<ProcessEnd> {
    return (await this.#ended) ?? { code: null, signal: null };
  }

  /** Requests the end of the process, waits, and kills it if it does not end. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    this.#isStopped = true;
    if (!this.running) return;
    // A paused process reacts to no other signal.
    this.resume();
    this.kill(this.spec.stopSignal);
    const timer = setTimeout(() => this.kill('SIGKILL'), this.spec.stopMs);
    await this.ended();
    clearTimeout(timer);
  }

  /**
   * SIGKILL and SIGCONT also reach everything it started; see `signalTree`. Does nothing if it does not run.
   */
  kill(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL') this.#isWanted = false;
    if (this.running) signalTree(this.pid, signal);
  }

  /** Resolves when neither it nor anything it started runs. Does nothing if it does not run. */
  async pause(): Promise<void> {
    if (this.running) await pauseTree(this.pid);
  }

  resume(): void {
    this.kill('SIGCONT');
  }

  /** Stops it and waits until it is ready again; a killed process just starts. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Excerpt that explains a failed start: the first log lines with an error, or the last lines. */
  logExcerpt(): string {
    const text = existsSync(this.spec.logFile) ? readFileSync(this.spec.logFile, 'utf8') : '';
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const errors = lines.filter((line) => /\b(error|fatal|panic)\b/i.test(line)).slice(0, EXCERPT_LINES);
    const excerpt = errors.length > 0 ? errors : lines.slice(-EXCERPT_LINES);
    return excerpt
      .map((line) => (line.length > EXCERPT_COLUMNS ? `${line.slice(0, EXCERPT_COLUMNS)}…` : line))
      .join('\n');
  }
}

const EXCERPT_LINES = 12;
const EXCERPT_COLUMNS = 200;

/**
 * The process ended before it was ready, or was not ready in time. The message ends with an explanation from its log.
 */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  /** The message in one line. */
  readonly line: string;

  constructor(process: NativeProcess, what: string) {
    const excerpt = process.logExcerpt();
    super(`${process.name} ${what}. From ${process.spec.logFile}:\n${excerpt}`);
    this.line = `${what}; ${process.spec.logFile} says: ${excerpt.split('\n')[0]}`;
  }
}

/** An error in one line. The database driver's errors have a `line` of another meaning: a line of PostgreSQL's source. */
export function lineOf(error: unknown): string {
  if (error instanceof ProcessError) return error.line;
  return (error as Error).message.split('\n')[0] ?? '';
}

export function endText({ code, signal }: ProcessEnd): string {
  return signal ?? `code ${code}`;
}
