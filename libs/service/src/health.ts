import { within } from '@eco/base';
import type { Violation } from '@eco/contracts';

/** An indicator that has not answered within this time counts as not ready, ms. */
const INDICATOR_DEADLINE_MS = 2_000;

/**
 * Returns a text about the missing part, or undefined if none is missing. If it throws or takes too long, the part
 * counts as missing.
 */
export type Indicator = () => string | undefined | Promise<string | undefined>;

/** Whether the process can work now. It is live as long as it responds at all. */
export class Health {
  readonly #indicators = new Map<string, Indicator>();
  readonly #facts = new Map<string, () => string>();
  readonly #deadlineMs: number;

  constructor(deadlineMs = INDICATOR_DEADLINE_MS) {
    this.#deadlineMs = deadlineMs;
  }

  /** Adds a check. `name`: the needed part, such as `broker`. Throws if the name is taken. */
  indicator(name: string, indicator: Indicator): void {
    if (this.#indicators.has(name)) throw new Error(`there is an indicator ${name} already`);
    this.#indicators.set(name, indicator);
  }

  /** Adds a fact to the response of a ready process, such as its `role`. A fact that throws is shown with its error. */
  fact(name: string, state: () => string): void {
    this.#facts.set(name, state);
  }

  get facts(): Record<string, string> {
    return Object.fromEntries([...this.#facts].map(([name, state]) => [name, factOf(state)]));
  }

  /** Everything that is missing; empty: ready. Settles within the deadline. */
  async missing(): Promise<Violation[]> {
    const asked = [...this.#indicators].map(async ([at, indicator]) => ({
      at,
      message: await withDeadline(indicator, this.#deadlineMs),
    }));
    const answers = await Promise.all(asked);
    return answers.flatMap(({ at, message }) => (message === undefined ? [] : [{ at, message }]));
  }
}

function factOf(state: () => string): string {
  try {
    return state();
  } catch (error) {
    return unknown(error);
  }
}

function unknown(error: unknown): string {
  return `unknown: ${error instanceof Error ? error.message : String(error)}`;
}

async function withDeadline(indicator: Indicator, deadlineMs: number): Promise<string | undefined> {
  try {
    const answer = Promise.resolve().then(indicator);
    return await within(deadlineMs, answer, () => `did not answer within ${deadlineMs} ms`);
  } catch (error) {
    return unknown(error);
  }
}
