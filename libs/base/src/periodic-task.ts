/** Runs a task at an interval, and never twice at the same time. The task must not reject. */
export class PeriodicTask {
  readonly #task: () => Promise<unknown>;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> | undefined;

  constructor(task: () => Promise<unknown>, everyMs: number) {
    this.#task = task;
    this.#everyMs = everyMs;
  }

  /** The first run begins after one interval. */
  start(): void {
    this.#timer ??= setInterval(() => void this.run(), this.#everyMs);
  }

  /** Begins a run now, unless one is in progress. Resolves at the end of that run. */
  async run(): Promise<void> {
    this.#running ??= this.#task().finally(() => (this.#running = undefined));
    await this.#running;
  }

  /** Begins no further run. Resolves at the end of the run in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }
}
