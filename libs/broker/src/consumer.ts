import type { BrokerConnection } from './connection.js';
import type { Delivery } from './delivery.js';
import type { Log } from './log.js';
import { QueueReader } from './queue-reader.js';
import { commandQueue } from './topology.js';

export interface CommandConsumerOptions {
  /** One that nothing is published over, so that no alarm holds acknowledgements back. */
  connection: BrokerConnection;
  group: string;
  /** Messages (not commands) that each queue may have delivered and not acknowledged. Default 128. */
  prefetch?: number;
  log?: Log;
}

const PREFETCH = 128;

/**
 * Takes commands from the two queues of a group. Between `start` and `stop` it stays subscribed to both whatever happens
 * to brokers, channels and queues.
 *
 * A delivery that is not acknowledged comes again: after `stop`, after a lost channel. So acknowledge only what is done,
 * and never mind whether the channel that delivered it is still there.
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

  /** Subscribes, and stays subscribed. Returns at once. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#readers.products.start();
    this.#readers.orders.start();
  }

  /**
   * Gives back to the queues whatever was not acknowledged; nothing stays with this process. `start` subscribes again.
   * So it also serves for a pause: while the database is away, nothing lies here for somebody else to wait for.
   */
  async stop(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    this.#wake();
    await Promise.all([this.#readers.products.stop(), this.#readers.orders.stop()]);
  }

  /** To both queues. */
  get isSubscribed(): boolean {
    return this.#readers.products.isSubscribed && this.#readers.orders.isSubscribed;
  }

  /** Why it is not, as far as known. */
  get obstacle(): string | undefined {
    if (this.isSubscribed) return undefined;
    if (!this.#started) return 'stopped';
    const missing = [this.#readers.products, this.#readers.orders].filter((reader) => !reader.isSubscribed);
    return missing
      .map(({ queue, lastError }) => `not subscribed to ${queue}: ${lastError ?? 'no connection'}`)
      .join('; ');
  }

  /** By queue. */
  get counts(): Record<string, QueueReader['counts'] & { subscribed: boolean }> {
    return Object.fromEntries(
      Object.values(this.#readers).map((reader) => [
        reader.queue,
        { ...reader.counts, subscribed: reader.isSubscribed },
      ]),
    );
  }

  /**
   * What has arrived on both queues, at most `maxCommands` commands (one message more if it alone holds more); waits
   * until there is something. Those about products come first, so that an answer about stock does not wait behind a
   * backlog of orders; but they get no more than half of it while orders wait.
   * Empty: `signal` aborted, or `stop` was called.
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
   * What was taken and is not settled yet, in the order in which it was taken: it comes first when there is taken again
   * from its queue. So no message has to be settled at once, nor whole.
   */
  putBack(deliveries: Delivery[]): void {
    for (const reader of Object.values(this.#readers)) {
      reader.putBack(deliveries.filter(({ queue }) => queue === reader.queue));
    }
  }

  /** Once it is done for good. What came over a channel that is gone is left alone: it comes again. */
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

/** `first` up to half of `maxCommands`, then `second`, then whatever still fits of `first`. */
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
