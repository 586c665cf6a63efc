import { AmqpConnection, Nack } from '@golevelup/nestjs-rabbitmq';
import { heartbeatSchema, changeEventSchema, type Heartbeat, type ChangeEvent } from '@eco/contracts';
import { shuffled } from './back-off.js';
import type { BrokerAccess } from './connection.js';
import { settlesWithin } from './deadline.js';
import type { Log } from './log.js';
import {
  eventBindings,
  eventQueue,
  eventQueueOptions,
  EVENTS_EXCHANGE,
  VHOST,
  type EventConsumer,
} from './topology.js';

export type Announcement = { type: 'event'; event: ChangeEvent } | { type: 'heartbeat'; heartbeat: Heartbeat };

export interface EventSubscriptionOptions {
  access: BrokerAccess;
  consumer: EventConsumer;
  /** Called for one announcement at a time, in the order in which they came. What it throws is logged and forgotten. */
  handler: (announcement: Announcement) => Promise<void> | void;
  /** Without anything heard for this long the subscription is made anew, ms. Beats come each second. Default 5000. */
  silenceMs?: number;
  log?: Log;
}

interface Current {
  amqp: AmqpConnection;
  /** Aborted: its socket is destroyed. */
  socket: AbortController;
}

const SILENCE_MS = 5000;
/** Without a writer no heartbeat arrives. Renewals get rarer then, because they cannot help. */
const PATIENCE_CAP_MS = 30_000;
const PREFETCH = 20;
const HEARTBEAT_SECONDS = 4;
const RECONNECT_SECONDS = 1;
const CLOSE_TIMEOUT_MS = 2000;
/** Until the broker has answered: one that stands still takes a connection and says nothing. */
const CONNECT_TIMEOUT_MS = 2000;

/**
 * Subscribes a consumer to its topics and to the beats, by @golevelup/nestjs-rabbitmq.
 *
 * Its AmqpConnection is used without its Nest module, so neither global pipes, guards and interceptors nor its
 * once-a-process discovery of handlers touch a subscription. It is good while it lives and does not come back by itself from:
 *
 * - a broker that is down at boot: `createSubscriber` does not settle before there is one, hence it is not awaited;
 * - `basic.cancel`, after the queue was deleted: the null message is swallowed and nobody subscribes again
 *   (golevelup/nestjs#628, and the source of 9.0.2);
 * - a restart of the cluster that leaves a connection without its consumer (golevelup/nestjs#691, #526), a channel that
 *   the broker closed, which amqp-connection-manager leaves closed until the next connection.
 *
 * They look alike from here: connected or not, nothing is heard, although a beat comes each second. So there is one
 * answer to all: when it is silent too long, throw the connection away and make another, which declares and binds a
 * queue of its own. Nothing is lost by that, since an event only announces; and a consumer whose subscription stays silent
 * reads GET /changes by itself, which is what `silentMs` is for.
 *
 * Shutting down, its `close` cancels only consumers that it did not make itself, so events keep coming meanwhile
 * (golevelup/nestjs#889); `stop` cancels them one by one before.
 */
export class EventSubscription {
  readonly #options: EventSubscriptionOptions;
  readonly #silenceMs: number;
  #current: Current | undefined;
  readonly #closing = new Set<Promise<void>>();
  #watchdog: NodeJS.Timeout | undefined;
  #subscribedAtMs = 0;
  #lastHeardAtMs: number | undefined;
  #renewals = 0;
  #silentRenewals = 0;
  #handled: Promise<unknown> = Promise.resolve();
  #unhandled = 0;
  #counts = { events: 0, heartbeats: 0, unreadable: 0, failed: 0 };

  constructor(options: EventSubscriptionOptions) {
    this.#options = options;
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
  }

  /** Since anything was last heard, ms; Infinity: nothing yet. Large: read GET /changes without being told. */
  get silentMs(): number {
    return this.#lastHeardAtMs === undefined ? Infinity : performance.now() - this.#lastHeardAtMs;
  }

  get isConnected(): boolean {
    return this.#current?.amqp.managedConnection?.isConnected() ?? false;
  }

  get counts() {
    return { ...this.#counts, renewals: this.#renewals };
  }

  get consumer(): EventConsumer {
    return this.#options.consumer;
  }

  get #name(): string {
    return `events of ${this.#options.consumer}`;
  }

  /** Returns at once; a broker that is down is waited for. */
  start(): void {
    if (this.#current) return;
    this.#silentRenewals = 0;
    this.#subscribe();
    this.#watchdog = setInterval(() => this.#watch(), this.#silenceMs / 5);
  }

  /** No handler runs after it. What was not handled is dropped with the queue; GET /changes has it. */
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
            // The handler does not throw, so this is an acknowledgement on a channel that is gone. golevelup would try
            // to reject the message there, and that second error ends the process (golevelup/nestjs#741).
            errorHandler: () => undefined,
          },
          this.#name,
        ),
      )
      .catch((error: Error) => this.#warn(error.message, 'no subscription to events'));
  }

  /** Each renewal that changed nothing makes it more patient. While a handler works, silence is its own. */
  #watch(): void {
    const heardAtMs = this.#lastHeardAtMs ?? 0;
    if (heardAtMs > this.#subscribedAtMs) this.#silentRenewals = 0;
    const patienceMs = Math.min(
      this.#silenceMs * 2 ** this.#silentRenewals,
      Math.max(this.#silenceMs, PATIENCE_CAP_MS),
    );
    const silentMs = performance.now() - Math.max(heardAtMs, this.#subscribedAtMs);
    if (silentMs > patienceMs && this.#unhandled === 0) this.#renew();
  }

  #renew(): void {
    const old = this.#current;
    if (!old) return;
    this.#renewals += 1;
    this.#silentRenewals += 1;
    this.#warn(this.isConnected ? 'connected' : 'not connected', 'nothing heard for too long: subscribing anew');
    this.#close(old);
    this.#subscribe();
  }

  #close({ amqp, socket }: Current): void {
    const orderly = Promise.allSettled(amqp.consumerTags.map((tag) => amqp.cancelConsumer(tag))).then(() =>
      amqp.close(),
    );
    const closed = settlesWithin(CLOSE_TIMEOUT_MS, orderly).then(() => {
      // Also where a handler or a broker that stands still kept it from being orderly: it must not connect again.
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
      // Read and checked in `#handle`: an error here would make it requeue the message for ever.
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

  /** One after the other: golevelup starts a handler for each message that was prefetched. */
  #inTurn(of: object, content: Buffer): Promise<Nack | undefined> {
    this.#lastHeardAtMs = performance.now();
    this.#unhandled += 1;
    const turn = this.#handled.then(() => this.#handle(of, content));
    this.#handled = turn.finally(() => {
      this.#unhandled -= 1;
      this.#lastHeardAtMs = performance.now();
    });
    return turn;
  }

  async #handle(of: object, content: Buffer): Promise<Nack | undefined> {
    if (this.#current !== of) return new Nack(true);
    const announcement = readAnnouncement(content);
    if (!announcement) {
      this.#counts.unreadable += 1;
      this.#warn(content.toString('utf8', 0, 200), 'an event that cannot be read');
      return undefined;
    }
    this.#counts[announcement.type === 'heartbeat' ? 'heartbeats' : 'events'] += 1;
    try {
      await this.#options.handler(announcement);
    } catch (error) {
      this.#counts.failed += 1;
      this.#warn((error as Error).message, 'the handler of an event failed');
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
  const event = changeEventSchema.safeParse(value);
  if (event.success) return { type: 'event', event: event.data };
  const heartbeat = heartbeatSchema.safeParse(value);
  return heartbeat.success ? { type: 'heartbeat', heartbeat: heartbeat.data } : undefined;
}
