import type { Channel, Options } from 'amqplib';
import type { BrokerConnection } from './connection.js';
import { ReconnectingChannel } from './reconnecting-channel.js';
import type { Log } from './log.js';

/** Bounds memory behind a broker that stands still: a frame or two a message of at most 64 kB. */
const MAX_BUFFERED_FRAMES = 256;

/**
 * Sends without a confirm and without ever waiting: what cannot go out at once is dropped and counted. For what has a
 * certain source elsewhere: events (GET /changes has them) and answers (GET /commands/{id} has them).
 */
export class BestEffortChannel {
  readonly #connection: BrokerConnection;
  readonly #channel: ReconnectingChannel<Channel>;
  #bufferFull = false;
  #sent = 0;
  #dropped = 0;

  constructor({ connection, name, log }: { connection: BrokerConnection; name: string; log?: Log }) {
    this.#connection = connection;
    this.#channel = new ReconnectingChannel<Channel>({
      connection,
      name,
      open: (model) => model.createChannel({ highWaterMark: MAX_BUFFERED_FRAMES }),
      opened: (channel) => {
        this.#bufferFull = false;
        channel.on('drain', () => {
          this.#bufferFull = false;
        });
      },
      ...(log ? { log } : {}),
    });
  }

  get counts() {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  get isOpen(): boolean {
    return this.#channel.channel !== undefined;
  }

  start(): void {
    this.#channel.start();
  }

  async stop(): Promise<void> {
    await this.#channel.stop();
  }

  send(exchange: string, routingKey: string, content: unknown, options: Options.Publish = {}): void {
    const channel = this.#channel.channel;
    if (!channel || this.#bufferFull || this.#connection.isBlocked) {
      this.#dropped += 1;
      return;
    }
    const body = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    try {
      this.#bufferFull = !channel.publish(exchange, routingKey, body, {
        persistent: false,
        contentType: 'application/json',
        ...options,
      });
      this.#sent += 1;
    } catch {
      // amqplib throws when the channel has just begun to close.
      this.#dropped += 1;
    }
  }
}
