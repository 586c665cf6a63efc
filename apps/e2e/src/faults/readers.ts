import { sleep } from '@eco/base';
import { headers } from '@eco/contracts';
import type { Api } from '../system/system.js';
import type { DecidedOrder, FaultLoad } from './fault-load.js';

/** Pause of a reader between two reads, ms. */
const PAUSE_MS = 50;
/** A reader that asked for freshness repeats a read for this time until a node is fresh enough, ms. */
const FRESH_MS = 60_000;
const ANSWER_MS = 30_000;

export interface ReadingOptions {
  /** A service itself may be away: its clients repeat a read that got no answer. */
  readonly servicesMayBeAway?: boolean;
}

/**
 * Clients that read all the time. One reads without a position, and no such read may fail. One has the position of a
 * decided order, and sees that order or learns that the position was lost.
 */
export class Readers {
  readonly wrong: string[] = [];
  reads = 0;
  /** Reads with a position that no node could fulfil yet, and that were repeated. */
  notFresh = 0;
  positionsLost = 0;
  slowestMs = 0;
  readonly #read: Api;
  readonly #repeats: boolean;
  readonly #load: FaultLoad;
  readonly #end = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(read: Api, load: FaultLoad, productId: string, { servicesMayBeAway = false }: ReadingOptions) {
    this.#repeats = servicesMayBeAway;
    this.#read = read;
    this.#load = load;
    this.#done = Promise.all([this.#again(() => this.#product(productId)), this.#again(() => this.#order())]);
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  async #again(read: () => Promise<void>): Promise<void> {
    while (!this.#end.signal.aborted) {
      await read();
      await sleep(PAUSE_MS, this.#end.signal);
    }
  }

  async #product(productId: string): Promise<void> {
    const { status, text } = await this.#get(`/products/${productId}`, {});
    if (status === 0 && this.#repeats) return;
    if (status !== 200) this.wrong.push(`a read without a position: ${status} ${text}`);
  }

  /** Reads the newest decided order, or an older one in turn. */
  async #order(): Promise<void> {
    const { decidedOrders } = this.#load;
    const order = this.reads % 2 === 0 ? decidedOrders.at(-1) : decidedOrders[this.reads % decidedOrders.length];
    if (order !== undefined) await this.#orderOf(order);
  }

  async #orderOf({ orderId, position }: DecidedOrder): Promise<void> {
    const end = performance.now() + FRESH_MS;
    for (;;) {
      const { status, text, body } = await this.#get(`/orders/${orderId}`, { [headers.position]: position });
      if (status === 200 && body?.['status'] === 'confirmed') return;
      if (status === 410) return void (this.positionsLost += 1);
      const isRepeated = (status === 0 && this.#repeats) || (status === 503 && /:not-fresh"/.test(text));
      if (!isRepeated || performance.now() > end) {
        return void this.wrong.push(`order ${orderId} at ${position}: ${status} ${text}`);
      }
      this.notFresh += 1;
      await sleep(PAUSE_MS);
    }
  }

  async #get(path: string, sent: Record<string, string>) {
    const startedAt = performance.now();
    this.reads += 1;
    try {
      return await this.#read.send('GET', path, undefined, sent, ANSWER_MS);
    } catch (error) {
      return { status: 0, text: (error as Error).message, body: undefined };
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
    }
  }
}
