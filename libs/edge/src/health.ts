import type { Violation } from '@eco/contracts';

/** An indicator that has not answered by then counts as not ready, ms. */
const INDICATOR_DEADLINE_MS = 2_000;

/** Says what is missing, in words, or nothing when all is well. May throw or be slow: both count as missing. */
export type Indicator = () => string | undefined | Promise<string | undefined>;

/** Whether the process can do its work now. Live it is as long as it answers at all. */
export class Health {
  readonly #indicators = new Map<string, Indicator>();
  readonly #facts = new Map<string, () => string>();

  constructor(private readonly deadlineMs = INDICATOR_DEADLINE_MS) {}

  /** `name` of what the process needs, such as `broker`. Throws when the name is taken. */
  indicator(name: string, indicator: Indicator): void {
    if (this.#indicators.has(name)) throw new Error(`there is an indicator ${name} already`);
    this.#indicators.set(name, indicator);
  }

  /** Stands in the answer of a process that is ready, such as its `role`. One that throws says why. */
  fact(name: string, tell: () => string): void {
    this.#facts.set(name, tell);
  }

  get facts(): Record<string, string> {
    return Object.fromEntries([...this.#facts].map(([name, tell]) => [name, factOf(tell)]));
  }

  /** Everything that is missing; empty: ready. Settles within the deadline. */
  async missing(): Promise<Violation[]> {
    const asked = [...this.#indicators].map(async ([at, indicator]) => ({
      at,
      message: await withDeadline(indicator, this.deadlineMs),
    }));
    const answers = await Promise.all(asked);
    return answers.flatMap(({ at, message }) => (message === undefined ? [] : [{ at, message }]));
  }
}

function factOf(tell: () => string): string {
  try {
    return tell();
  } catch (error) {
    return unknown(error);
  }
}

function unknown(error: unknown): string {
  return `can't be told: ${error instanceof Error ? error.message : String(error)}`;
}

async function withDeadline(indicator: Indicator, deadlineMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, `did not answer within ${deadlineMs} ms`);
  });
  try {
    return await Promise.race([Promise.resolve().then(indicator), late]);
  } catch (error) {
    return unknown(error);
  } finally {
    clearTimeout(timer);
  }
}
