import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Address } from '@eco/base';

/** A proxy between reads and one node, which can be cut. */
export class Wire {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #target: Address;

  private constructor(
    readonly address: Address,
    server: Server,
    target: Address,
  ) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client: Socket) => this.#join(client));
  }

  static async to({ host, port }: Address): Promise<Wire> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Wire({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, server, { host, port });
  }

  /** Ends all connections and refuses new ones, for good. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket): void {
    const node = connect(this.#target.port, this.#target.host);
    for (const [from, to] of [
      [client, node],
      [node, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
