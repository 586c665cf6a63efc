import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Address } from '@eco/base';

/** A proxy between a client and a broker that can be cut, stalled and restored. */
export class Proxy {
  readonly #target: Address;
  readonly #pairs = new Set<[Socket, Socket]>();
  #server: Server | undefined;
  #held = false;
  #port = 0;

  constructor(target: Address) {
    this.#target = target;
  }

  get address(): Address {
    return { host: '127.0.0.1', port: this.#port };
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Accepts connections again, on the same port as before. */
  async mend(): Promise<void> {
    if (this.#server) return;
    const server = createServer((client) => this.#join(client));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends all connections and refuses new ones. */
  async cut(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    this.dropAll();
    await closed;
  }

  /** Ends all connections; new ones are accepted. */
  dropAll(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Forwards nothing either way, as if the broker had stalled; connections stay open. */
  hold(): void {
    this.#held = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  release(): void {
    this.#held = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  #join(client: Socket): void {
    const broker = connect(this.#target.port, this.#target.host);
    const pair: [Socket, Socket] = [client, broker];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [broker, client] as const]) {
      from.on('data', (data) => void to.write(data));
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#held) from.pause();
    }
  }
}
