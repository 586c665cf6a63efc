import type { Channel, ChannelModel } from 'amqplib';
import { backOffMs, settlesWithin, type Log } from '@eco/base';
import type { BrokerConnection } from './connection.js';

export interface KeptChannelOptions<C extends Channel> {
  connection: BrokerConnection;
  /** Name of the channel in the log. */
  name: string;
  /** Opens the channel. */
  open: (model: ChannelModel) => Promise<C>;
  /** Prepares the channel before its first use: prefetch, consumers. If this fails, the channel is opened again. */
  prepare?: (channel: C) => Promise<void>;
  /** Called when the channel is ready. */
  opened?: (channel: C) => void;
  /** Called when a ready channel is lost. Messages and acknowledgements on it have no effect from then on. */
  closed?: (channel: C) => void;
  log?: Log;
}

const CLOSE_TIMEOUT_MS = 1000;
const REOPEN = { firstMs: 100, capMs: 2000 };

/**
 * Keeps one channel open between `start` and `stop`: over each new connection, and again, with pauses, after the broker
 * closed it (missing queue, missing permission, a delivery acknowledged twice). The delivery tags of one opened channel
 * are invalid on any other.
 */
export class ReconnectingChannel<C extends Channel> {
  readonly #options: KeptChannelOptions<C>;
  #started = false;
  #forgetConnection: () => void = () => undefined;
  #opening: object | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #channel: C | undefined;
  #lastError: string | undefined;
  #opens = 0;

  constructor(options: KeptChannelOptions<C>) {
    this.#options = options;
  }

  /** Undefined: no channel is ready. */
  get channel(): C | undefined {
    return this.#channel;
  }

  /** The reason why no channel is ready, as far as known. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Number of times that a channel was opened. */
  get opens(): number {
    return this.#opens;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#forgetConnection = this.#options.connection.onConnected((model) => void this.#open(model));
  }

  /** Closes the channel in order. Everything that was sent and acknowledged on it reaches the broker first. */
  async stop(): Promise<void> {
    this.#started = false;
    this.#forgetConnection();
    this.#opening = undefined;
    clearTimeout(this.#retry);
    const channel = this.#channel;
    if (channel) {
      this.#leave(channel);
      await close(channel);
    }
  }

  async #open(model: ChannelModel): Promise<void> {
    clearTimeout(this.#retry);
    const attempt = {};
    this.#opening = attempt;
    let channel: C | undefined;
    try {
      channel = await this.#options.open(model);
      const opened = channel;
      opened.on('error', (error) => {
        this.#lastError = error.message;
      });
      let isOpen = true;
      opened.on('close', () => {
        isOpen = false;
        if (this.#channel !== opened) return;
        this.#leave(opened);
        this.#reopenLater(model);
      });
      await this.#options.prepare?.(opened);
      if (!isOpen) throw new Error('closed while it was prepared');
      if (this.#opening !== attempt) return void close(opened);
      this.#channel = opened;
      this.#opens += 1;
      this.#failures = 0;
      this.#lastError = undefined;
      this.#options.log?.debug({ channel: this.#options.name }, 'channel opened');
      this.#options.opened?.(opened);
    } catch (error) {
      if (channel) void close(channel);
      if (this.#opening !== attempt) return;
      this.#lastError = (error as Error).message;
      this.#options.log?.warn(
        { channel: this.#options.name, error: this.#lastError },
        'the channel could not be prepared',
      );
      this.#reopenLater(model);
    }
  }

  /**
   * Opens the channel again over this connection. If the connection is lost meanwhile, the next one opens the channel.
   */
  #reopenLater(model: ChannelModel): void {
    if (!this.#started) return;
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(
      () => {
        if (this.#options.connection.model === model) void this.#open(model);
      },
      backOffMs(this.#failures, REOPEN),
    );
  }

  #leave(channel: C): void {
    this.#channel = undefined;
    this.#options.closed?.(channel);
  }
}

async function close(channel: Channel): Promise<void> {
  // Throws at once on a closed channel.
  await settlesWithin(
    CLOSE_TIMEOUT_MS,
    Promise.resolve().then(() => channel.close()),
  );
}
