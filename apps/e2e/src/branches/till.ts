import { randomUUID } from 'node:crypto';
import { sleep } from '@eco/base';
import type { Problem } from '@eco/contracts';
import type { Said } from '../system/system.js';
import type { BranchProcess } from './branch-process.js';

/** A till repeats a request without an answer for this time, ms. */
const REPEAT_MS = 60_000;
const REPEAT_EVERY_MS = 100;

export interface TillSale {
  readonly saleId: string;
  readonly receiptNumber: string;
  readonly quantity: number;
}

/** A till that sells one product. It repeats a sale without an answer under the same key, as the page of a till does. */
export class Till {
  readonly sales: TillSale[] = [];
  /** Refusals by type of problem. */
  readonly refusals = new Map<string, number>();
  /** Answers other than a sale or a refusal that is expected. */
  readonly wrong: string[] = [];
  /** Time of each sale that was answered at once, ms. */
  readonly tookMs: number[] = [];
  repeats = 0;

  constructor(
    readonly branch: BranchProcess,
    readonly name: string,
    readonly authorization: string,
    readonly productId: string,
  ) {}

  /** Registers the till and opens a shift. */
  async open(): Promise<void> {
    const { name: till } = this;
    await this.#record('/tills', { till, name: `Till ${till}` });
    await this.#record('/shifts', { till, openingCents: 0 });
  }

  /** Sells until the signal. `quantity`: units of the next sale. */
  async run(signal: AbortSignal, quantity: () => number, pauseMs: number): Promise<void> {
    while (!signal.aborted) {
      await this.sell(quantity());
      if (pauseMs > 0) await sleep(pauseMs, signal);
    }
  }

  /** Returns the type of the refusal; undefined: it was sold. */
  async sell(quantity: number): Promise<string | undefined> {
    const startedAt = performance.now();
    const { repeats } = this;
    const said = await this.#answerTo('/sales', {
      till: this.name,
      lines: [{ productId: this.productId, quantity }],
      payment: { cash: { moneyReceivedCents: 1_000_000 } },
    });
    if (said.status === 201) {
      const { saleId, receiptNumber } = said.body as unknown as TillSale;
      this.sales.push({ saleId, receiptNumber, quantity });
      if (repeats === this.repeats) this.tookMs.push(performance.now() - startedAt);
      return undefined;
    }
    const { type: problem = '' } = (said.body ?? {}) as Partial<Problem>;
    const type = problem.split(':').at(-1) || String(said.status);
    this.refusals.set(type, (this.refusals.get(type) ?? 0) + 1);
    if (said.status !== 409) this.wrong.push(`${said.status} ${said.text}`);
    return type;
  }

  async #record(where: string, body: unknown): Promise<void> {
    const said = await this.#answerTo(where, body);
    if (said.status !== 201) throw new Error(`${where}: ${said.status} ${said.text}`);
  }

  async #answerTo(where: string, body: unknown): Promise<Said> {
    const key = randomUUID();
    const end = performance.now() + REPEAT_MS;
    for (;;) {
      try {
        const said = await this.branch.send('POST', where, this.authorization, body, key);
        if (said.status < 500) return said;
        if (performance.now() > end) throw new Error(`${said.status} ${said.text}`);
      } catch (error) {
        // The process is gone or starts again.
        if (performance.now() > end) throw error;
      }
      this.repeats += 1;
      await sleep(REPEAT_EVERY_MS);
    }
  }
}
