import type { BrokerConnection } from './connection.js';
import type { Delivery } from './delivery.js';
import type { Log } from '@eco/base';
import { QueueReader } from './queue-reader.js';
import { commandQueue } from './topology.js';

export interface CommandConsumerOptions {
  /** The connection must carry no publishes, because an alarm would then hold back acknowledgements. */
  connection: BrokerConnection;
  group: string;
  /** Most unacknowledged messages (not commands) per queue. Default 128. */
  prefetch?: number;
  log?: Log;
}

const PREFETCH = 128;

/**
 * Takes commands from the two queues of a group. Between `start` and `stop` it stays subscribed to both, whatever
 * happens to brokers, channels and queues. An unacknowledged delivery is redelivered after `stop` or after a lost
 * channel, so acknowledge a delivery only when its commands are settled. Its channel need not exist any more.
 */
export class CommandConsumer {
  readonly #readers: { products: QueueReader; orders: QueueReader };
  readonly #takers = new Set<() => void>();
  #started = false;
  #unsubscribedSinceMs: number | undefined;

  constructor({ connection, group, prefetch = PREFETCH, log }: CommandConsumerOptions) {
    const reader = (queue: string) =>
      new QueueReader({ connection, queue, prefetch, onArrival: () => this.#wake(), ...(log ? { log } : {}) });
    this.#readers = {
      products: reader(commandQueue('products', group)),
      orders: reader(commandQueue('orders', group)),
    };
  }

  /** Subscribes and stays subscribed. Returns at once. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#readers.products.start();
    this.#readers.orders.start();
  }

  /**
   * Requeues everything that was not acknowledged; nothing stays in this process. `start` subscribes again. So `stop`
   * also serves as a pause: while this writer does not reach the database, its deliveries go to another writer.
   */
  async stop(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    this.#wake();
    await Promise.all([this.#readers.products.stop(), this.#readers.orders.stop()]);
  }

  /** Whether the consumer is subscribed to both queues. */
  get isSubscribed(): boolean {
    return this.#readers.products.isSubscribed && this.#readers.orders.isSubscribed;
  }

  /** Whether it subscribes to both queues in a few seconds at the latest, when another subscriber has ended. */
  get isTakingOver(): boolean {
    const missing = [this.#readers.products, this.#readers.orders].filter((reader) => !reader.isSubscribed);
    return missing.length > 0 && missing.every((reader) => reader.isTakingOver);
  }

  /** The reason why the consumer is not subscribed, as far as known. */
  get obstacle(): string | undefined {
    if (this.isSubscribed) return undefined;
    if (!this.#started) return 'stopped';
    const missing = [this.#readers.products, this.#readers.orders].filter((reader) => !reader.isSubscribed);
    return missing
      .map(({ queue, lastError }) => `not subscribed to ${queue}: ${lastError ?? 'no connection'}`)
      .join('; ');
  }

  /** Counts by queue. */
  get counts(): Record<string, QueueReader['counts'] & { subscribed: boolean }> {
    return Object.fromEntries(
      Object.values(this.#readers).map((reader) => [
        reader.queue,
        { ...reader.counts, subscribed: reader.isSubscribed },
      ]),
    );
  }

  /**
   * Waits until messages have arrived, then returns those of both queues, with at most `maxCommands` commands. A single
   * message with more commands is returned alone. Messages about products come first, so that a reply about stock does
   * not wait behind a backlog of orders. But they get at most half while orders wait. Empty: `signal` aborted, or
   * `stop` was called.
   */
  async take(maxCommands: number, signal?: AbortSignal): Promise<Delivery[]> {
    while (this.#started && !signal?.aborted) {
      const deliveries = takeFairly(this.#readers.products, this.#readers.orders, maxCommands);
      if (deliveries.length > 0) return deliveries;
      await this.#arrival(signal);
    }
    return [];
  }

  /**
   * Puts back taken messages that are not settled yet, in the order in which they were taken. The next `take` returns
   * them before later messages of their queue. A message may therefore be settled later and in parts.
   */
  putBack(deliveries: Delivery[]): void {
    for (const reader of Object.values(this.#readers)) {
      reader.putBack(deliveries.filter(({ queue }) => queue === reader.queue));
    }
  }

  /** Call it once a message is settled for good. Deliveries of a lost channel are ignored: they are redelivered. */
  acknowledge(deliveries: Delivery[]): void {
    for (const reader of Object.values(this.#readers)) {
      reader.acknowledge(deliveries.filter(({ queue }) => queue === reader.queue));
    }
  }

  #arrival(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#takers.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#takers.add(done);
      signal?.addEventListener('abort', done);
    });
  }

  #wake(): void {
    for (const taker of this.#takers) taker();
  }
}

/** A queue of deliveries, as `takeFairly` needs it. */
export interface DeliverySource {
  peek(): Delivery | undefined;
  take(): Delivery | undefined;
}

/** Takes `first` up to half of `maxCommands`, then `second`, then as much of `first` as still fits. */
export function takeFairly(first: DeliverySource, second: DeliverySource, maxCommands: number): Delivery[] {
  const taken: Delivery[] = [];
  let commands = 0;
  const takeUpTo = (source: DeliverySource, limit: number) => {
    for (let next = source.peek(); next; next = source.peek()) {
      if (taken.length > 0 && commands + next.commandCount > limit) return;
      source.take();
      taken.push(next);
      commands += next.commandCount;
    }
  };
  takeUpTo(first, Math.ceil(maxCommands / 2));
  takeUpTo(second, maxCommands);
  takeUpTo(first, maxCommands);
  return taken;
}
