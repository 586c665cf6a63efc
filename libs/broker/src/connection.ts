import { connect, type ChannelModel, type SocketOptions } from 'amqplib';
import {
  backOffMs,
  hostPort,
  presentPasswords,
  settlesWithin,
  shuffled,
  sleep,
  tlsOptions,
  type Address,
  type ChangingLogin,
  type Log,
} from '@eco/base';
import { VHOST } from './topology.js';

/** Credentials and addresses for a cluster. */
export interface BrokerAccess extends ChangingLogin {
  /** Nodes of the cluster. Any of them will do. */
  brokers: Address[];
  /** Default `ecomarket`. */
  vhost?: string;
}

export type ConnectionState =
  | { type: 'stopped' }
  | { type: 'disconnected'; error?: string }
  | { type: 'connected'; broker: Address }
  /** The cluster has an alarm (memory, disk) and accepts nothing from publishers. */
  | { type: 'blocked'; broker: Address; reason: string };

type ConnectedListener = (model: ChannelModel) => void;

/**
 * A connection is dropped after two missed heartbeats, which takes 6 to 9 s. The broker therefore requeues a stalled
 * writer's deliveries before PostgreSQL frees the writer's lock (11 s, `session.ts` of @eco/writer).
 */
const HEARTBEAT_SECONDS = 3;
const CONNECT_TIMEOUT_MS = 3000;
const CLOSE_TIMEOUT_MS = 1000;
const RECONNECT = { firstMs: 100, capMs: 2000 };

/**
 * One connection to any broker that answers. It starts with a random broker, goes to the next one after a failure or
 * loss, and pauses only after a round over all of them. amqplib's own `recovery` is not used: it knows one address, so
 * it would wait for the one broker that is down.
 *
 * Use separate connections for acknowledging and publishing. During an alarm a broker stops reading from a connection
 * that has published, and acknowledgements, which would free space, would stay in its socket.
 */
export class BrokerConnection {
  readonly #access: BrokerAccess;
  readonly #name: string;
  readonly #log: Log | undefined;
  readonly #listeners = new Set<ConnectedListener>();
  #state: ConnectionState = { type: 'stopped' };
  #running: { stop: AbortController; ended: Promise<void> } | undefined;
  #current: { model: ChannelModel; drop: (reason: string) => void } | undefined;
  #losses = 0;

  /** `name`: the management UI shows it. */
  constructor({ access, name, log }: { access: BrokerAccess; name: string; log?: Log }) {
    if (access.brokers.length === 0) throw new Error('A broker connection needs at least one broker address.');
    this.#access = access;
    this.#name = name;
    this.#log = log;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The current connection. */
  get model(): ChannelModel | undefined {
    return this.#current?.model;
  }

  get name(): string {
    return this.#name;
  }

  /** Name of the broker user that is logged in. */
  get user(): string {
    return this.#access.user;
  }

  get isBlocked(): boolean {
    return this.#state.type === 'blocked';
  }

  /** Connections lost since construction. */
  get losses(): number {
    return this.#losses;
  }

  /** Returns at once and keeps trying until `stop`. A call during a `stop` does nothing, so await the `stop` first. */
  start(): void {
    if (this.#running) return;
    const stop = new AbortController();
    this.#state = { type: 'disconnected' };
    this.#running = { stop, ended: this.#run(stop.signal) };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.stop.abort();
    const model = this.#current?.model;
    if (model) await settlesWithin(CLOSE_TIMEOUT_MS, model.close());
    this.#current?.drop('stopped');
    await running.ended;
    if (this.#running === running) this.#running = undefined;
  }

  /** Calls `listener` at each new connection, and now if there is one. Returns a function that unsubscribes. */
  onConnected(listener: ConnectedListener): () => void {
    this.#listeners.add(listener);
    if (this.#current) listener(this.#current.model);
    return () => void this.#listeners.delete(listener);
  }

  /** Drops the current connection, if any, and looks for another. */
  reconnect(reason: string): void {
    this.#current?.drop(reason);
  }

  async #run(stop: AbortSignal): Promise<void> {
    const addresses = shuffled(this.#access.brokers);
    let failures = 0;
    for (let turn = 0; !stop.aborted; turn += 1) {
      const address = addresses[turn % addresses.length] as Address;
      const error = await this.#connectOnce(address, Math.floor(failures / addresses.length), stop, () => {
        failures = 0;
      });
      if (stop.aborted) break;
      failures += 1;
      this.#state = { type: 'disconnected', error };
      this.#log?.warn({ connection: this.#name, broker: hostPort(address), error }, 'no connection to this broker');
      const rounds = Math.floor(failures / addresses.length);
      if (rounds > 0 || failures === 1) await sleep(backOffMs(rounds, RECONNECT), stop);
    }
    this.#state = { type: 'stopped' };
  }

  /** Resolves when the connection ends, with the reason. `round`: rounds over all brokers that have failed. */
  async #connectOnce(address: Address, round: number, stop: AbortSignal, connected: () => void): Promise<string> {
    const socket = new AbortController();
    const opening = AbortSignal.any([AbortSignal.timeout(CONNECT_TIMEOUT_MS), stop]);
    const abandon = () => socket.abort();
    opening.addEventListener('abort', abandon);
    try {
      const model = await this.#open(address, round, socket.signal);
      opening.removeEventListener('abort', abandon);
      return await this.#live(model, address, socket, connected);
    } catch (error) {
      return opening.aborted && !stop.aborted ? `no answer within ${CONNECT_TIMEOUT_MS} ms` : (error as Error).message;
    } finally {
      opening.removeEventListener('abort', abandon);
      // Ends the socket, because a closing handshake with a stalled broker would leave it open.
      socket.abort();
    }
  }

  #open(address: Address, round: number, signal: AbortSignal): Promise<ChannelModel> {
    const { user, vhost = VHOST } = this.#access;
    const passwords = presentPasswords(this.#access.password);
    // If all brokers refused one password, the next round tries the other.
    const password = passwords[round % passwords.length] ?? '';
    const { host, port } = address;
    const tls = tlsOptions(address);
    // net.connect takes a signal that destroys the socket; amqplib passes it on but does not type it.
    const socketOptions: SocketOptions & { signal: AbortSignal } = {
      noDelay: true,
      keepAlive: true,
      clientProperties: { connection_name: this.#name },
      signal,
      ...tls,
    };
    const protocol = tls === undefined ? 'amqp' : 'amqps';
    return connect(
      { protocol, hostname: host, port, username: user, password, vhost, heartbeat: HEARTBEAT_SECONDS },
      socketOptions,
    );
  }

  #live(model: ChannelModel, address: Address, socket: AbortController, connected: () => void): Promise<string> {
    return new Promise((resolve) => {
      let lastError: string | undefined;
      let dropReason: string | undefined;
      const end = (reason: string) => {
        if (this.#current?.model === model) {
          this.#current = undefined;
          this.#losses += 1;
        }
        resolve(reason);
      };
      model.on('error', (error) => {
        lastError = error.message;
      });
      model.on('close', (error) => end(dropReason ?? lastError ?? error?.message ?? 'closed'));
      model.on('blocked', (reason) => {
        this.#state = { type: 'blocked', broker: address, reason };
        this.#log?.warn({ connection: this.#name, broker: hostPort(address), reason }, 'the broker blocks publishing');
      });
      model.on('unblocked', () => {
        this.#state = { type: 'connected', broker: address };
        this.#log?.info({ connection: this.#name, broker: hostPort(address) }, 'the broker accepts messages again');
      });
      this.#current = {
        model,
        drop: (reason) => {
          dropReason = reason;
          socket.abort();
        },
      };
      this.#state = { type: 'connected', broker: address };
      this.#log?.info({ connection: this.#name, broker: hostPort(address) }, 'connected to a broker');
      connected();
      for (const listener of [...this.#listeners]) listener(model);
    });
  }
}
