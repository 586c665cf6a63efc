import type { Channel, ConsumeMessage } from 'amqplib';
import type { BrokerConnection } from './connection.js';
import { readDelivery, type Delivery } from './delivery.js';
import { ReconnectingChannel } from './reconnecting-channel.js';
import type { Log } from './log.js';
import { UnsettledTags } from './unsettled-tags.js';

export interface QueueReaderOptions {
  connection: BrokerConnection;
  queue: string;
  /** Messages that may be delivered and not acknowledged. */
  prefetch: number;
  /** Something has arrived. */
  onArrival: () => void;
  log?: Log;
}

interface Subscription {
  channel: Channel;
  tags: UnsettledTags;
  /** Done, and not told to the broker yet. */
  settled: number[];
}

/**
 * An acknowledgement is a round of the queue's Raft log, like a message. Told this much later, one frame and one round
 * take what several batches have finished; what is lost meanwhile comes again and gets its first outcome.
 */
const ACKNOWLEDGE_MS = 50;

/**
 * Reads one queue over a channel of its own. Whatever ends the subscription (node, connection or channel lost, the queue
 * deleted, the broker's `basic.cancel`), it subscribes again; what was delivered before comes again, and acknowledging it
 * has no effect any more.
 */
export class QueueReader {
  readonly #options: QueueReaderOptions;
  readonly #channel: ReconnectingChannel<Channel>;
  #subscription: Subscription | undefined;
  #arrived: ConsumeMessage[] = [];
  /** Taken out of `#arrived`: the next one, and what was put back. */
  #read: Delivery[] = [];
  #messages = 0;
  #redeliveredMessages = 0;
  #staleAcknowledgements = 0;
  #acknowledging: NodeJS.Timeout | undefined;

  constructor(options: QueueReaderOptions) {
    this.#options = options;
    this.#channel = new ReconnectingChannel<Channel>({
      connection: options.connection,
      name: options.queue,
      open: (model) => model.createChannel(),
      prepare: (channel) => this.#subscribe(channel),
      closed: () => this.#forget(),
      ...(options.log ? { log: options.log } : {}),
    });
  }

  get queue(): string {
    return this.#options.queue;
  }

  get isSubscribed(): boolean {
    return this.#channel.channel !== undefined;
  }

  get lastError(): string | undefined {
    return this.#channel.lastError;
  }

  get counts() {
    return {
      subscriptions: this.#channel.opens,
      messages: this.#messages,
      redeliveredMessages: this.#redeliveredMessages,
      waitingMessages: this.#waitingCount,
      unacknowledgedMessages: this.#subscription?.tags.count ?? 0,
      staleAcknowledgements: this.#staleAcknowledgements,
    };
  }

  start(): void {
    this.#channel.start();
  }

  /** Nothing of what was delivered stays unacknowledged: what was not acknowledged goes back into the queue. */
  async stop(): Promise<void> {
    this.#tellAcknowledged();
    await this.#channel.stop();
  }

  /** The next message that has arrived, left in its place. */
  peek(): Delivery | undefined {
    if (this.#read.length === 0 && this.#subscription) {
      const message = this.#arrived.shift();
      if (message) this.#read.push(readDelivery(this.#options.queue, this.#subscription.channel, message));
    }
    return this.#read[0];
  }

  /** Takes what `peek` showed. */
  take(): Delivery | undefined {
    this.peek();
    return this.#read.shift();
  }

  /** In front of what has not been taken. What came over a channel that is gone is left alone: it comes again. */
  putBack(deliveries: Delivery[]): void {
    this.#read.unshift(...deliveries.filter(({ receipt }) => receipt.channel === this.#subscription?.channel));
  }

  /** Tells the broker within `ACKNOWLEDGE_MS`, or when half of the prefetch waits for it. */
  acknowledge(deliveries: Delivery[]): void {
    const subscription = this.#subscription;
    const current = deliveries.filter(({ receipt }) => receipt.channel === subscription?.channel);
    this.#staleAcknowledgements += deliveries.length - current.length;
    if (!subscription || current.length === 0) return;
    for (const { receipt } of current) subscription.settled.push(receipt.tag);
    if (subscription.settled.length * 2 >= this.#options.prefetch) return this.#tellAcknowledged();
    this.#acknowledging ??= setTimeout(() => this.#tellAcknowledged(), ACKNOWLEDGE_MS);
  }

  #tellAcknowledged(): void {
    clearTimeout(this.#acknowledging);
    this.#acknowledging = undefined;
    const subscription = this.#subscription;
    if (!subscription) return;
    for (const { tag, multiple } of subscription.tags.settle(subscription.settled.splice(0))) {
      acknowledgeTag(subscription.channel, tag, multiple);
    }
  }

  async #subscribe(channel: Channel): Promise<void> {
    const subscription: Subscription = { channel, tags: new UnsettledTags(), settled: [] };
    this.#forget();
    this.#subscription = subscription;
    await channel.prefetch(this.#options.prefetch);
    await channel.consume(this.#options.queue, (message) => {
      if (this.#subscription !== subscription) return;
      // `basic.cancel`: the queue was deleted, or the broker ended this subscription. The kept channel opens another.
      if (!message) return void channel.close().catch(() => undefined);
      this.#messages += 1;
      if (message.fields.redelivered) this.#redeliveredMessages += 1;
      subscription.tags.delivered(message.fields.deliveryTag);
      this.#arrived.push(message);
      this.#options.onArrival();
    });
  }

  #forget(): void {
    this.#subscription = undefined;
    this.#arrived = [];
    this.#read = [];
  }

  get #waitingCount(): number {
    return this.#arrived.length + this.#read.length;
  }
}

function acknowledgeTag(channel: Channel, tag: number, multiple: boolean): void {
  try {
    // Of the message, amqplib reads the tag alone.
    channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, multiple);
  } catch {
    // The channel has just begun to close, so what is on it comes again.
  }
}
