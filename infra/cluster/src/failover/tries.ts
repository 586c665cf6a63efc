import { doubledMs } from '@eco/base';

/** Pause before something is tried again. */
const BACK_OFF = { firstMs: 500, capMs: 30_000 };

/** Failed tries, by what was tried, and when each may be tried again. */
export class Tries {
  readonly #tries = new Map<string, { count: number; nextAt: number }>();

  isDue(what: string): boolean {
    return performance.now() >= (this.#tries.get(what)?.nextAt ?? 0);
  }

  /** It is tried now, and again after a pause that doubles. */
  begin(what: string): void {
    const count = (this.#tries.get(what)?.count ?? 0) + 1;
    this.#tries.set(what, { count, nextAt: performance.now() + doubledMs(count, BACK_OFF) });
  }

  succeeded(what: string): void {
    this.#tries.delete(what);
  }
}
