import {
  receivedEventSchema,
  receivedHeartbeatSchema,
  type ConsumerName,
  type ReceivedEvent,
  type ReceivedHeartbeat,
} from '@eco/contracts';
import { doubledMs, type Log } from '@eco/base';
import type { BrokerAccess } from '../connection.js';
import { parseMessage } from '../parse-message.js';
import { EventConnection } from './event-connection.js';

export type Announcement =
  { type: 'event'; event: ReceivedEvent } | { type: 'heartbeat'; heartbeat: ReceivedHeartbeat };

export interface EventSubscriptionOptions {
  access: BrokerAccess;
  consumer: ConsumerName;
  /** Called for one announcement at a time, in arrival order. Its errors are logged and dropped. */
  handler: (announcement: Announcement) => Promise<void> | void;
  /**
   * Time without a message after which the subscription is renewed, ms. Heartbeats arrive every second. Default 5000.
   */
  silenceMs?: number;
  log?: Log;
}

const SILENCE_MS = 5000;
/**
 * Longest time between two renewals, ms. Without a writer no heartbeat arrives and no renewal helps, so renewals become
 * rarer.
 */
const PATIENCE_CAP_MS = 30_000;

/**
 * Subscribes a consumer to its topics and to the heartbeats, and hands over each received announcement, one at a time.
 *
 * Every failure that `EventConnection` does not recover from has the same sign here: nothing is received, although a
 * heartbeat is due every second. The remedy is the same too: after `silenceMs` the connection is dropped, and a new one
 * declares and binds its own queue. Nothing is lost, because an event only announces. A consumer whose subscription
 * stays silent reads the changes by itself; `silentMs` serves that purpose.
 */
export class EventSubscription {
  readonly #options: EventSubscriptionOptions;
  readonly #silenceMs: number;
  #current: EventConnection | undefined;
  readonly #closing = new Set<Promise<void>>();
  #watchdog: NodeJS.Timeout | undefined;
  #subscribedAtMs = 0;
  #lastReceivedAtMs: number | undefined;
  #renewals = 0;
  #silentRenewals = 0;
  #handled: Promise<unknown> = Promise.resolve();
  #unhandled = 0;
  #counts = { events: 0, heartbeats: 0, unreadable: 0, failed: 0 };

  constructor(options: EventSubscriptionOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
  }

  /**
   * Time since the last message, ms; Infinity: none yet. If it is large, read the changes without waiting for an
   * event.
   */
  get silentMs(): number {
    return this.#lastReceivedAtMs === undefined ? Infinity : performance.now() - this.#lastReceivedAtMs;
  }

  get isConnected(): boolean {
    return this.#current?.isConnected ?? false;
  }

  get counts() {
    return { ...this.#counts, renewals: this.#renewals };
  }

  get consumer(): ConsumerName {
    return this.#options.consumer;
  }

  /** Returns at once; it waits for a broker that is down. */
  start(): void {
    if (this.#current) return;
    this.#silentRenewals = 0;
    this.#subscribe();
    this.#watchdog = setInterval(() => this.#watch(), this.#silenceMs / 5);
  }

  /**
   * Resolves when no handler runs and none will. Unhandled messages are dropped with the queue; they are in GET
   * /changes.
   */
  async stop(): Promise<void> {
    if (this.#current) this.#close(this.#current);
    this.#current = undefined;
    clearInterval(this.#watchdog);
    await Promise.all(this.#closing);
    await this.#handled;
  }

  #subscribe(): void {
    const { access, consumer, log } = this.#options;
    const current: EventConnection = new EventConnection({
      access,
      consumer,
      onMessage: (content) => this.#inTurn(current, content),
      onFailure: (error) => this.#warn(error.message, 'no subscription to events'),
      log,
    });
    this.#current = current;
    this.#subscribedAtMs = performance.now();
  }

  /**
   * Renews a silent subscription, after a longer silence with each renewal that did not help. Time in a handler does
   * not count as silence.
   */
  #watch(): void {
    const receivedAtMs = this.#lastReceivedAtMs ?? 0;
    if (receivedAtMs > this.#subscribedAtMs) this.#silentRenewals = 0;
    const patienceMs = doubledMs(this.#silentRenewals + 1, {
      firstMs: this.#silenceMs,
      capMs: Math.max(this.#silenceMs, PATIENCE_CAP_MS),
    });
    const silentMs = performance.now() - Math.max(receivedAtMs, this.#subscribedAtMs);
    if (silentMs > patienceMs && this.#unhandled === 0) this.#renew();
  }

  #renew(): void {
    const old = this.#current;
    if (!old) return;
    this.#renewals += 1;
    this.#silentRenewals += 1;
    this.#warn(this.isConnected ? 'connected' : 'not connected', 'no message for too long; subscribing again');
    this.#close(old);
    this.#subscribe();
  }

  #close(connection: EventConnection): void {
    const closed = connection.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  /** Handles one message after the other, because the broker delivers several at once. */
  #inTurn(of: EventConnection, content: Buffer): Promise<boolean> {
    this.#lastReceivedAtMs = performance.now();
    this.#unhandled += 1;
    const turn = this.#handled.then(() => this.#handle(of, content));
    this.#handled = turn.finally(() => {
      this.#unhandled -= 1;
      this.#lastReceivedAtMs = performance.now();
    });
    return turn;
  }

  /** False: a newer connection has replaced the one that delivered this message. */
  async #handle(of: EventConnection, content: Buffer): Promise<boolean> {
    if (this.#current !== of) return false;
    const announcement = readAnnouncement(content);
    if (!announcement) {
      this.#counts.unreadable += 1;
      this.#warn(content.toString('utf8', 0, 200), 'unreadable event');
      return true;
    }
    this.#counts[announcement.type === 'heartbeat' ? 'heartbeats' : 'events'] += 1;
    try {
      await this.#options.handler(announcement);
    } catch (error) {
      this.#counts.failed += 1;
      this.#warn((error as Error).message, 'event handler failed');
    }
    return true;
  }

  #warn(error: string, message: string): void {
    this.#options.log?.warn({ consumer: this.#options.consumer, error }, message);
  }
}

/** Undefined: the message is neither an event nor a heartbeat. */
export function readAnnouncement(content: Buffer): Announcement | undefined {
  let value: unknown;
  try {
    value = parseMessage(content);
  } catch {
    return undefined;
  }
  const event = receivedEventSchema.safeParse(value);
  if (event.success) return { type: 'event', event: event.data };
  const heartbeat = receivedHeartbeatSchema.safeParse(value);
  return heartbeat.success ? { type: 'heartbeat', heartbeat: heartbeat.data } : undefined;
}
