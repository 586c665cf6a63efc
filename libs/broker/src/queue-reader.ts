import type { Channel, ConsumeMessage } from 'amqplib';
import type { BrokerConnection } from './connection.js';
import { readDelivery, type Delivery } from './delivery.js';
import { ReconnectingChannel } from './reconnecting-channel.js';
import { sleep, within, type Log } from '@eco/base';
import { UnsettledTags } from './unsettled-tags.js';

export interface QueueReaderOptions {
  connection: BrokerConnection;
  queue: string;
  /** Messages that may be delivered and unacknowledged. */
  prefetch: number;
  /** Called when something has arrived. */
  onArrival: () => void;
  log?: Log;
}

interface Subscription {
  channel: Channel;
  tags: UnsettledTags;
  /** Settled deliveries that the broker does not know about yet. */
  settled: number[];
}

/**
 * An acknowledgement is a round of the queue's Raft log, like a message. Delayed by this time, one frame and one round
 * acknowledge several batches. If it is lost meanwhile, the messages are redelivered and get their first outcome.
 */
const ACKNOWLEDGE_MS = 50;
/**
 * Longest wait for another subscriber to end, ms. The broker gives up a connection without a heartbeat after 9 s
 * (`HEARTBEAT_SECONDS`) and then requeues its deliveries.
 */
const ALONE_MS_MAX = 10_000;
const ALONE_PAUSE_MS = 100;
/** Longest wait for the number of subscribers, ms. A broker that has lost its majority may not respond. */
const LOOK_MS = 5_000;

/**
 * Reads one queue over its own channel. Whatever ends the subscription (node, connection or channel lost, queue
 * deleted, the broker's `basic.cancel`), it subscribes again. Earlier deliveries are redelivered, and acknowledging
 * them has no effect any more.
 */
export class QueueReader {
  readonly #options: QueueReaderOptions;
  readonly #channel: ReconnectingChannel<Channel>;
  #subscription: Subscription | undefined;
  #arrived: ConsumeMessage[] = [];
  /** Messages taken out of `#arrived`: the next one, and those that were put back. */
  #read: Delivery[] = [];
  #messages = 0;
  #redeliveredMessages = 0;
  #staleAcknowledgements = 0;
  #acknowledging: NodeJS.Timeout | undefined;
  /** Counts stops and tries to subscribe: an earlier try must not subscribe after a later one. */
  #turn = 0;
  /** The try that waits until another subscriber has ended. */
  #waitingTurn: number | undefined;

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

  /** Whether it waits, for at most `ALONE_MS_MAX`, until another subscriber has ended. */
  get isTakingOver(): boolean {
    return this.#waitingTurn === this.#turn;
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

  /** Requeues all unacknowledged messages, so that none stays in this process. */
  async stop(): Promise<void> {
    this.#turn += 1;
    this.#sendAcknowledgements();
    await this.#channel.stop();
  }

  /** The next message that has arrived; it stays in place. */
  peek(): Delivery | undefined {
    if (this.#read.length === 0 && this.#subscription) {
      const message = this.#arrived.shift();
      if (message) this.#read.push(readDelivery(this.#options.queue, this.#subscription.channel, message));
    }
    return this.#read[0];
  }

  /** Takes the message that `peek` showed. */
  take(): Delivery | undefined {
    this.peek();
    return this.#read.shift();
  }

  /**
   * Puts messages back in front of those that are not taken yet. Deliveries of a lost channel are ignored, because the
   * broker redelivers them.
   */
  putBack(deliveries: Delivery[]): void {
    this.#read.unshift(...deliveries.filter(({ receipt }) => receipt.channel === this.#subscription?.channel));
  }

  /** Sends the acknowledgements within `ACKNOWLEDGE_MS`, or as soon as half of the prefetch is settled. */
  acknowledge(deliveries: Delivery[]): void {
    const subscription = this.#subscription;
    const current = deliveries.filter(({ receipt }) => receipt.channel === subscription?.channel);
    this.#staleAcknowledgements += deliveries.length - current.length;
    if (!subscription || current.length === 0) return;
    for (const { receipt } of current) subscription.settled.push(receipt.tag);
    if (subscription.settled.length * 2 >= this.#options.prefetch) return this.#sendAcknowledgements();
    this.#acknowledging ??= setTimeout(() => this.#sendAcknowledgements(), ACKNOWLEDGE_MS);
  }

  #sendAcknowledgements(): void {
    clearTimeout(this.#acknowledging);
    this.#acknowledging = undefined;
    const subscription = this.#subscription;
    if (!subscription) return;
    for (const { tag, multiple } of subscription.tags.settle(subscription.settled.splice(0))) {
      acknowledgeTag(subscription.channel, tag, multiple);
    }
  }

  async #subscribe(channel: Channel): Promise<void> {
    await this.#untilAlone(channel);
    const subscription: Subscription = { channel, tags: new UnsettledTags(), settled: [] };
    this.#forget();
    this.#subscription = subscription;
    await channel.prefetch(this.#options.prefetch);
    await channel.consume(this.#options.queue, (message) => {
      if (this.#subscription !== subscription) return;
      // `basic.cancel`: the queue was deleted, or the broker ended this subscription. The channel is opened again.
      if (!message) return void channel.close().catch(() => undefined);
      this.#messages += 1;
      if (message.fields.redelivered) this.#redeliveredMessages += 1;
      subscription.tags.delivered(message.fields.deliveryTag);
      this.#arrived.push(message);
      this.#options.onArrival();
    });
  }

  /**
   * Another subscriber is a leader whose leadership is over and that does not know it yet, for example because it is cut
   * off from the new primary. It holds messages, and later ones must not be decided before them.
   */
  async #untilAlone(channel: Channel): Promise<void> {
    const { queue, log } = this.#options;
    const end = performance.now() + ALONE_MS_MAX;
    const turn = (this.#turn += 1);
    const late = () => {
      throw new Error('the broker does not say who is subscribed');
    };
    try {
      for (;;) {
        const { consumerCount } = await within(LOOK_MS, channel.checkQueue(queue), late);
        if (turn !== this.#turn) throw new Error('stopped, or opened again');
        if (consumerCount === 0) return;
        if (performance.now() > end)
          return log?.warn({ queue }, 'another subscriber does not end; subscribing next to it');
        this.#waitingTurn = turn;
        await sleep(ALONE_PAUSE_MS);
      }
    } finally {
      if (this.#waitingTurn === turn) this.#waitingTurn = undefined;
    }
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
    // amqplib reads only the tag of the message.
    channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, multiple);
  } catch {
    // The channel has just begun to close, so its messages are redelivered.
  }
}
