const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Signals that ask this program to stop. The first requests an orderly end, the second an immediate one. A signal that
 * npm or a terminal sends to several processes may arrive twice at the same moment and counts once.
 */
export class StopRequest {
  /** Resolves with the first signal. */
  readonly first: Promise<NodeJS.Signals>;
  readonly #listener: (signal: NodeJS.Signals) => void;
  #firstAt: number | undefined;
  #second: () => void = () => undefined;

  constructor() {
    let resolve: (signal: NodeJS.Signals) => void;
    this.first = new Promise((resolveFirst) => (resolve = resolveFirst));
    this.#listener = (signal) => {
      if (this.#firstAt === undefined) {
        this.#firstAt = performance.now();
        resolve(signal);
      } else if (performance.now() - this.#firstAt > SAME_MS) {
        this.#second();
      }
    };
    SIGNALS.forEach((signal) => process.on(signal, this.#listener));
    // Writing to a closed terminal is an error, which must not interrupt the stop.
    process.stdout.on('error', ignore);
    process.stderr.on('error', ignore);
  }

  onSecond(act: () => void): void {
    this.#second = act;
  }

  /** Gives the signals their default effect again. */
  end(): void {
    SIGNALS.forEach((signal) => process.off(signal, this.#listener));
  }
}

const SAME_MS = 300;
const ignore = () => undefined;
