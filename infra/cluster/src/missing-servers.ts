import { lineOf } from './processes/native-process.js';

/** Pause between two attempts to start a missing server, ms. */
const RETRY_MS = 30_000;

/**
 * Servers that could not be started while a majority could. Each is retried in the background until it starts or the
 * cluster stops.
 */
export class MissingServers {
  readonly #reasons = new Map<string, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #say: (line: string) => void = () => undefined;
  #isEnded = false;
  readonly #changed: () => void;

  /** `changed` is called when a server becomes missing, and when it is back. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** The reason why each server is missing, in one line, by name. */
  get reasons(): ReadonlyMap<string, string> {
    return this.#reasons;
  }

  /** From now on `say` gets a line when a missing server has started, and when its start fails for another reason. */
  supervise(say: (line: string) => void): void {
    this.#say = say;
  }

  note(name: string, error: Error, start: () => Promise<void>): void {
    if (this.#isEnded) return;
    const reason = lineOf(error);
    const before = this.#reasons.get(name);
    this.#reasons.set(name, reason);
    if (before !== reason) this.#changed();
    if (before !== undefined && before !== reason) this.#say(`${name} is still missing: ${reason}`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#retry(name, start);
    }, RETRY_MS).unref();
    this.#timers.add(timer);
  }

  end(): void {
    this.#isEnded = true;
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
  }

  async #retry(name: string, start: () => Promise<void>): Promise<void> {
    try {
      await start();
      this.#reasons.delete(name);
      this.#changed();
      this.#say(`${name} is ready`);
    } catch (error) {
      this.note(name, error as Error, start);
    }
  }
}
