import { AmqpConnection, Nack } from '@golevelup/nestjs-rabbitmq';
import { presentPasswords, settlesWithin, shuffled, tlsOptions, type Log } from '@eco/base';
import type { ConsumerName } from '@eco/contracts';
import type { BrokerAccess } from '../connection.js';
import { eventBindings, eventQueue, eventQueueOptions, EVENTS_EXCHANGE, VHOST } from '../topology.js';

export interface EventConnectionOptions {
  readonly access: BrokerAccess;
  readonly consumer: ConsumerName;
  /**
   * Handles a message and must not throw. It returns false if nobody handles the message, which then goes back to the
   * queue.
   */
  readonly onMessage: (content: Buffer) => Promise<boolean>;
  /** Called when there is no subscription over this connection. */
  readonly onFailure: (error: Error) => void;
  readonly log?: Log | undefined;
}

const PREFETCH = 20;
const HEARTBEAT_SECONDS = 4;
const RECONNECT_SECONDS = 1;
const CLOSE_TIMEOUT_MS = 2000;
/** Time for a broker's first response. A stalled broker accepts a connection and then sends nothing. */
const CONNECT_TIMEOUT_MS = 2000;

/**
 * Receives a consumer's events over @golevelup/nestjs-rabbitmq, which has this one role: it connects to one of the
 * brokers, declares and binds a queue of its own, hands each message over, and connects again after a loss.
 *
 * Its AmqpConnection is used without its Nest module. So neither global pipes, guards and interceptors nor its
 * discovery of handlers (once per process) affect a subscription, and a connection can be replaced. `EventSubscription`
 * handles the failures from which it does not recover by itself:
 * - a broker that is down at boot: `createSubscriber` does not settle before there is a connection, so it is not
 *   awaited;
 * - `basic.cancel` after the queue was deleted: the null message is swallowed and nothing subscribes again
 *   (golevelup/nestjs#628, and the source of 9.0.2);
 * - a cluster restart that leaves a connection without its consumer (golevelup/nestjs#691, #526), or a channel that the
 *   broker closed, which amqp-connection-manager leaves closed until the next connection.
 */
export class EventConnection {
  readonly #amqp: AmqpConnection;
  /** An abort destroys the connection's socket. */
  readonly #socket = new AbortController();

  /** Begins to connect, and keeps trying while the broker is down. */
  constructor({ access, consumer, onMessage, onFailure, log }: EventConnectionOptions) {
    const { brokers, user: username, vhost = VHOST } = access;
    const shuffledBrokers = shuffled(brokers);
    // The brokers of a cluster have one authority.
    const tls = brokers.map(tlsOptions).find((options) => options !== undefined);
    const servers = () =>
      presentPasswords(access.password).flatMap((password) =>
        shuffledBrokers.map(({ host: hostname, port }) => ({
          protocol: tls === undefined ? 'amqp' : 'amqps',
          hostname,
          port,
          username,
          password,
          vhost,
        })),
      );
    const name = `events of ${consumer}`;
    const debug = (message: unknown) => log?.debug({ consumer }, String(message));
    const amqp = new AmqpConnection({
      name,
      // `findServers` takes precedence.
      uri: [],
      prefetchCount: PREFETCH,
      connectionInitOptions: { wait: false },
      enableDirectReplyTo: false,
      registerHandlers: false,
      // The receiver parses the content, because an error here would requeue the message forever.
      deserializer: (content) => content,
      connectionManagerOptions: {
        heartbeatIntervalInSeconds: HEARTBEAT_SECONDS,
        reconnectTimeInSeconds: RECONNECT_SECONDS,
        // It is called at each round over the brokers, so a changed password is used.
        findServers: () => Promise.resolve(servers()),
        connectionOptions: {
          noDelay: true,
          timeout: CONNECT_TIMEOUT_MS,
          clientProperties: { connection_name: name },
          signal: this.#socket.signal,
          // amqplib replaces the host by that of the broker.
          ...tls,
        } as object,
      },
      logger: { log: debug, warn: debug, error: debug, debug, verbose: debug },
    });
    this.#amqp = amqp;
    const subscriber = {
      queue: eventQueue(consumer),
      exchange: EVENTS_EXCHANGE,
      routingKey: eventBindings(consumer),
      queueOptions: eventQueueOptions,
      // The receiver does not throw, so this is an acknowledgement on a lost channel. golevelup would try to reject the
      // message there, and that second error ends the process (golevelup/nestjs#741).
      errorHandler: () => undefined,
    };
    const receive = async (content: unknown) => ((await onMessage(content as Buffer)) ? undefined : new Nack(true));
    void amqp
      .init()
      .then(() => amqp.createSubscriber(receive, subscriber, name))
      .catch(onFailure);
  }

  get isConnected(): boolean {
    return this.#amqp.managedConnection?.isConnected() ?? false;
  }

  /**
   * Settles in time, also if a handler or a stalled broker prevents an orderly close. golevelup's `close` cancels only
   * consumers that it did not make itself, so events would keep arriving meanwhile (golevelup/nestjs#889): they are
   * cancelled one by one first.
   */
  async close(): Promise<void> {
    const amqp = this.#amqp;
    const cancelled = Promise.allSettled(amqp.consumerTags.map((tag) => amqp.cancelConsumer(tag)));
    await settlesWithin(
      CLOSE_TIMEOUT_MS,
      cancelled.then(() => amqp.close()),
    );
    // Closing the manager keeps it from connecting again.
    void amqp.managedConnection?.close().catch(() => undefined);
    this.#socket.abort();
  }
}
