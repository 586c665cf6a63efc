import { sleep } from '@eco/base';
import { headers } from '@eco/contracts';
import type { HttpClient } from './http-client.js';

export interface ReadersResult {
  /** Reads answered, by the node that `EcoMarket-Source` names. */
  bySource: Map<string, number>;
  /** Responses other than 200, and requests without a response, by text. */
  failures: Map<string, number>;
  latenciesMs: number[];
}

/**
 * Reads orders repeatedly while others write. Each is chosen among those known to be visible on every node, so anything
 * but 200 is a failed read.
 */
export class Readers {
  readonly #result: ReadersResult = { bySource: new Map(), failures: new Map(), latenciesMs: [] };
  readonly #visible: string[] = [];
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();
  readonly #http: HttpClient;
  readonly #url: string;
  readonly #concurrency: number;

  constructor(http: HttpClient, url: string, concurrency: number) {
    this.#http = http;
    this.#url = url;
    this.#concurrency = concurrency;
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: this.#concurrency }, () => this.#read()));
  }

  /** An order that every node shows. */
  add(orderId: string): void {
    this.#visible.push(orderId);
  }

  /** Forgets the figures of the warm-up. Its failures stay, because no read may fail. */
  forgetFigures(): void {
    this.#result.latenciesMs = [];
    this.#result.bySource.clear();
  }

  async stop(): Promise<ReadersResult> {
    this.#stopped = true;
    await this.#running;
    return this.#result;
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      const orderId = this.#visible[Math.floor(Math.random() * this.#visible.length)];
      if (orderId === undefined) {
        await sleep(NOTHING_YET_MS);
        continue;
      }
      const startedMs = performance.now();
      const said = await this.#readOnce(orderId);
      if (said === undefined) this.#result.latenciesMs.push(performance.now() - startedMs);
      else count(this.#result.failures, said);
    }
  }

  async #readOnce(orderId: string): Promise<string | undefined> {
    try {
      const answer = await this.#http.send('GET', `${this.#url}/orders/${orderId}`);
      if (answer.status !== 200)
        return `${answer.status} ${(answer.body as { title?: string } | undefined)?.title ?? ''}`.trim();
      count(this.#result.bySource, answer.header(headers.source) ?? 'unnamed');
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const NOTHING_YET_MS = 20;
