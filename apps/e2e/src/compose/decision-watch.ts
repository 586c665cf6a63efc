import { sleep } from '@eco/base';
import type { Api } from '../system/system.js';

/** Time between two orders of a client, ms. It keeps below the budget of one client. */
const PAUSE_MS = 100;
const PRODUCT = { productId: 'watched', name: 'Watched', priceCents: 100, stock: 1_000_000 };
const ORDER = { customerId: 'ana', lines: [{ productId: PRODUCT.productId, quantity: 1 }] };

/** What the clients of a watch have seen, since it began or since the last look. */
export interface Watched {
  /** Longest time between two confirmed orders. */
  readonly longestUndecidedMs: number;
  /** Longest time in which an order was accepted. */
  readonly slowestAcceptedMs: number;
  readonly accepted: number;
  /** Responses other than that an order was accepted, and requests without a response. */
  readonly refusals: readonly string[];
}

/** Two clients that order one after another: one waits for the decision, the other only until the order is accepted. */
export class DecisionWatch {
  readonly #central: Api;
  readonly #end = new AbortController();
  readonly #done: Promise<unknown>;
  readonly #confirmed: string[] = [];
  #decidedAt = performance.now();
  #longestUndecidedMs = 0;
  #slowestAcceptedMs = 0;
  #accepted = 0;
  #refusals: string[] = [];

  private constructor(central: Api) {
    this.#central = central;
    this.#done = Promise.all([this.#repeat(() => this.#orderAndWait()), this.#repeat(() => this.#order())]);
  }

  static async start(central: Api): Promise<DecisionWatch> {
    const { status } = await central.post('/products', PRODUCT, { prefer: 'wait=30' });
    if (status !== 201) throw new Error(`the product was not added: ${status}`);
    return new DecisionWatch(central);
  }

  /** Number of orders that were confirmed to the client that waits. */
  get confirmedCount(): number {
    return this.#confirmed.length;
  }

  /** What was seen since the last call. */
  take(): Watched {
    const watched = {
      longestUndecidedMs: Math.max(this.#longestUndecidedMs, performance.now() - this.#decidedAt),
      slowestAcceptedMs: this.#slowestAcceptedMs,
      accepted: this.#accepted,
      refusals: this.#refusals,
    };
    this.#longestUndecidedMs = this.#slowestAcceptedMs = this.#accepted = 0;
    this.#refusals = [];
    return watched;
  }

  /** Ends both clients and returns the ids of all confirmed orders. */
  async end(): Promise<readonly string[]> {
    this.#end.abort();
    await this.#done;
    return this.#confirmed;
  }

  async #repeat(work: () => Promise<void>): Promise<void> {
    while (!this.#end.signal.aborted) {
      await work().catch((error: Error) => this.#refusals.push(error.message));
      await sleep(PAUSE_MS, this.#end.signal);
    }
  }

  async #orderAndWait(): Promise<void> {
    const { status, body } = await this.#central.post('/orders', ORDER, { prefer: 'wait=30' });
    if (status === 201) {
      const now = performance.now();
      this.#longestUndecidedMs = Math.max(this.#longestUndecidedMs, now - this.#decidedAt);
      this.#decidedAt = now;
      this.#confirmed.push(String(body?.['orderId']));
    } else if (status !== 202) this.#refusals.push(`${status} to an order that waits`);
  }

  async #order(): Promise<void> {
    const began = performance.now();
    const { status } = await this.#central.post('/orders', ORDER);
    this.#slowestAcceptedMs = Math.max(this.#slowestAcceptedMs, performance.now() - began);
    if (status === 202) this.#accepted += 1;
    else this.#refusals.push(`${status} to an order`);
  }
}
