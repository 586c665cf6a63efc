/** How often the connection is looked at, ms. */
const EVERY_MS = 1_000;

/** Since when the brokers are reachable. */
export class Online {
  readonly #obstacle: () => string | undefined;
  readonly #timer: NodeJS.Timeout;
  #since: Date | undefined;

  constructor(obstacle: () => string | undefined) {
    this.#obstacle = obstacle;
    this.#timer = setInterval(() => this.#look(), EVERY_MS).unref();
  }

  /** Undefined: the brokers are not reachable. */
  get since(): Date | undefined {
    this.#look();
    return this.#since;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#obstacle() !== undefined) this.#since = undefined;
    else this.#since ??= new Date();
  }
}
