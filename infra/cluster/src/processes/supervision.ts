import { doubledMs } from '@eco/base';
import { endText, type NativeProcess } from './native-process.js';

/** Pause before a restart. */
const BACK_OFF = { firstMs: 500, capMs: 30_000 };
/** Uptime after which the back-off starts over, ms. */
const WELL_MS = 60_000;

/**
 * Restarts services and brokers that end on their own, but none that was stopped on request. A database is not restarted
 * here: its group may need another primary first (`GroupWatch`).
 */
export class Supervision {
  readonly #restartable: ReadonlySet<NativeProcess>;
  readonly #ends = new Map<NativeProcess, { count: number; began: number }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #say: ((line: string) => void) | undefined;

  constructor(restartable: readonly NativeProcess[]) {
    this.#restartable = new Set(restartable);
  }

  begin(say: (line: string) => void): void {
    this.#say = say;
  }

  end(): void {
    this.#say = undefined;
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }

  noteEnd(process: NativeProcess): void {
    const say = this.#say;
    if (!say) return;
    const { isStopped } = process;
    void process.ended().then((end) => {
      const how = `${process.name} ended (${endText(end)})`;
      if (!this.#restartable.has(process) || isStopped) return say(`${how}; its log is ${process.spec.logFile}`);
      const ms = this.#nextWait(process);
      say(`${how}; starting it again in ${ms / 1000} s`);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#startAgain(process);
      }, ms);
      this.#timers.add(timer);
    });
  }

  #startAgain(process: NativeProcess): void {
    this.#ends.set(process, { count: this.#ends.get(process)?.count ?? 1, began: performance.now() });
    process.start().then(
      () => this.#say?.(`${process.name} is ready again (pid ${process.pid})`),
      (error: Error) => this.#say?.(error.message),
    );
  }

  #nextWait(process: NativeProcess): number {
    const before = this.#ends.get(process);
    const isFirst = before === undefined || performance.now() - before.began > WELL_MS;
    const count = isFirst ? 1 : before.count + 1;
    this.#ends.set(process, { count, began: performance.now() });
    return doubledMs(count, BACK_OFF);
  }
}
