import { AmqpConnection, Nack } from '@golevelup/nestjs-rabbitmq';
import {
  receivedEventSchema,
  receivedHeartbeatSchema,
  type ConsumerName,
  type ReceivedEvent,
  type ReceivedHeartbeat,
} from '@eco/contracts';
import { doubledMs, settlesWithin, shuffled, type Log } from '@eco/base';
import type { BrokerAccess } from '../connection.js';
import { eventBindings, eventQueue, eventQueueOptions, EVENTS_EXCHANGE, VHOST } from '../topology.js';

export type Announcement =
  { type: 'event'; event: ReceivedEvent } | { type: 'heartbeat'; heartbeat: ReceivedHeartbeat };

export interface EventSubscriptionOptions {
  access: BrokerAccess;
  consumer: ConsumerName;
  /** Called for one announcement at a time, in arrival order. Its errors are logged and dropped. */
  handler: (announcement: Announcement) => Promise<void> | void;
  /**
   * After this time without a message the subscription is made again, ms. Heartbeats arrive every second. Default 5000.
   */
  silenceMs?: number;
  log?: Log;
}

interface Current {
  amqp: AmqpConnection;
  /** Aborting destroys its socket. */
  socket: AbortController;
}

const SILENCE_MS = 5000;
/** Without a writer no heartbeat arrives. Renewals get rarer then, because they cannot help. */
const PATIENCE_CAP_MS = 30_000;
const PREFETCH = 20;
const HEARTBEAT_SECONDS = 4;
const RECONNECT_SECONDS = 1;
const CLOSE_TIMEOUT_MS = 2000;
/** Until the broker has answered: a stalled broker accepts a connection and then sends nothing. */
const CONNECT_TIMEOUT_MS = 2000;

/**
 * Subscribes a consumer to its topics and to the heartbeats, with @golevelup/nestjs-rabbitmq.
 *
 * Its AmqpConnection is used without its Nest module. So neither global pipes, guards and interceptors nor its
 * discovery of handlers (once per process) affect a subscription. It works well while it lives, but does not recover by
 * itself from:
 * - a broker that is down at boot: `createSubscriber` does not settle before there is a connection, so it is not
 *   awaited;
 * - `basic.cancel` after the queue was deleted: the null message is swallowed and nothing subscribes again
 *   (golevelup/nestjs#628, and the source of 9.0.2);
 * - a cluster restart that leaves a connection without its consumer (golevelup/nestjs#691, #526), or a channel that the
 *   broker closed, which amqp-connection-manager leaves closed until the next connection.
 *
 * All of them look alike from here: nothing is received, connected or not, although a heartbeat is due every second. So
 * there is one remedy: after too long a silence, drop the connection and make another one, which declares and binds its
 * own queue. Nothing is lost, because an event only announces. A consumer whose subscription stays silent reads GET
 * /changes by itself; `silentMs` serves that purpose.
 *
 * On shutdown, its `close` cancels only consumers that it did not make itself, so events keep arriving meanwhile
 * (golevelup/nestjs#889). `stop` therefore cancels them one by one first.
 */
export class EventSubscription {
  readonly #options: EventSubscriptionOptions;
  readonly #silenceMs: number;
  #current: Current | undefined;
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
   * Time since the last message, ms; Infinity: none yet. If it is large, read GET /changes without waiting for an
   * event.
   */
  get silentMs(): number {
    return this.#lastReceivedAtMs === undefined ? Infinity : performance.now() - this.#lastReceivedAtMs;
  }

  get isConnected(): boolean {
    return this.#current?.amqp.managedConnection?.isConnected() ?? false;
  }

  get counts() {
    return { ...this.#counts, renewals: this.#renewals };
  }

  get consumer(): ConsumerName {
    return this.#options.consumer;
  }

  get #name(): string {
    return `events of ${this.#options.consumer}`;
  }

  /** Returns at once; it waits for a broker that is down. */
  start(): void {
    if (this.#current) return;
    this.#silentRenewals = 0;
    this.#subscribe();
    this.#watchdog = setInterval(() => this.#watch(), this.#silenceMs / 5);
  }

  /** No handler runs afterwards. Unhandled messages are dropped with the queue; GET /changes has them. */
  async stop(): Promise<void> {
    if (this.#current) this.#close(this.#current);
    this.#current = undefined;
    clearInterval(this.#watchdog);
    await Promise.all(this.#closing);
    await this.#handled;
  }

  #subscribe(): void {
    const socket = new AbortController();
    const amqp = this.#connect(socket.signal);
    const current = { amqp, socket };
    this.#current = current;
    this.#subscribedAtMs = performance.now();
    void amqp
      .init()
      .then(() =>
        amqp.createSubscriber(
          (content: unknown) => this.#inTurn(current, content as Buffer),
          {
            queue: eventQueue(this.#options.consumer),
            exchange: EVENTS_EXCHANGE,
            routingKey: eventBindings(this.#options.consumer),
            queueOptions: eventQueueOptions,
            // The handler does not throw, so this is an acknowledgement on a lost channel. golevelup would try to
            // reject the message there, and that second error ends the process (golevelup/nestjs#741).
            errorHandler: () => undefined,
          },
          this.#name,
        ),
      )
      .catch((error: Error) => this.#warn(error.message, 'no subscription to events'));
  }

  /** Each unsuccessful renewal makes it more patient. While a handler works, silence is its own doing. */
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

  #close({ amqp, socket }: Current): void {
    const orderly = Promise.allSettled(amqp.consumerTags.map((tag) => amqp.cancelConsumer(tag))).then(() =>
      amqp.close(),
    );
    const closed = settlesWithin(CLOSE_TIMEOUT_MS, orderly).then(() => {
      // Also if a handler or a stalled broker prevented an orderly close: it must not connect again.
      void amqp.managedConnection?.close().catch(() => undefined);
      socket.abort();
      this.#closing.delete(closed);
    });
    this.#closing.add(closed);
  }

  #connect(signal: AbortSignal): AmqpConnection {
    const { brokers, user, password, vhost = VHOST } = this.#options.access;
    return new AmqpConnection({
      name: this.#name,
      uri: shuffled(brokers).map(({ host, port }) => ({
        protocol: 'amqp',
        hostname: host,
        port,
        username: user,
        password,
        vhost,
      })),
      prefetchCount: PREFETCH,
      connectionInitOptions: { wait: false },
      enableDirectReplyTo: false,
      registerHandlers: false,
      // Parsed in `#handle`: an error here would requeue the message forever.
      deserializer: (content) => content,
      connectionManagerOptions: {
        heartbeatIntervalInSeconds: HEARTBEAT_SECONDS,
        reconnectTimeInSeconds: RECONNECT_SECONDS,
        connectionOptions: {
          noDelay: true,
          timeout: CONNECT_TIMEOUT_MS,
          clientProperties: { connection_name: this.#name },
          signal,
        } as object,
      },
      logger: this.#nestLogger(),
    });
  }

  /** One after the other: golevelup starts a handler for each prefetched message. */
  #inTurn(of: object, content: Buffer): Promise<Nack | undefined> {
    this.#lastReceivedAtMs = performance.now();
    this.#unhandled += 1;
    const turn = this.#handled.then(() => this.#handle(of, content));
    this.#handled = turn.finally(() => {
      this.#unhandled -= 1;
      this.#lastReceivedAtMs = performance.now();
    });
    return turn;
  }

  async #handle(of: object, content: Buffer): Promise<Nack | undefined> {
    if (this.#current !== of) return new Nack(true);
    const announcement = readAnnouncement(content);
    if (!announcement) {
      this.#counts.unreadable += 1;
      this.#warn(content.toString('utf8', 0, 200), 'unreadable event');
      return undefined;
    }
    this.#counts[announcement.type === 'heartbeat' ? 'heartbeats' : 'events'] += 1;
    try {
      await this.#options.handler(announcement);
    } catch (error) {
      this.#counts.failed += 1;
      this.#warn((error as Error).message, 'event handler failed');
    }
    return undefined;
  }

  #warn(error: string, message: string): void {
    this.#options.log?.warn({ consumer: this.#options.consumer, error }, message);
  }

  #nestLogger() {
    const { log, consumer } = this.#options;
    const debug = (message: unknown) => log?.debug({ consumer }, String(message));
    return { log: debug, warn: debug, error: debug, debug, verbose: debug };
  }
}

/** Undefined: the message is neither an event nor a heartbeat. */
export function readAnnouncement(content: Buffer): Announcement | undefined {
  let value: unknown;
  try {
    value = JSON.parse(content.toString());
  } catch {
    return undefined;
  }
  const event = receivedEventSchema.safeParse(value);
  if (event.success) return { type: 'event', event: event.data };
  const heartbeat = receivedHeartbeatSchema.safeParse(value);
  return heartbeat.success ? { type: 'heartbeat', heartbeat: heartbeat.data } : undefined;
}
