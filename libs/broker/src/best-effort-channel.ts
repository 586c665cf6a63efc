import type { Channel, Options } from 'amqplib';
import type { BrokerConnection } from './connection.js';
import { ReconnectingChannel } from './reconnecting-channel.js';
import type { Log } from '@eco/base';

/** Bounds memory while a broker is stalled; a message is one or two frames of at most 64 kB. */
const MAX_BUFFERED_FRAMES = 256;

/**
 * Sends without confirms and without waiting. Messages that can't be sent at once are dropped and counted. It is for
 * data with a reliable source elsewhere: events (GET /changes) and replies (GET /commands/{id}).
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
