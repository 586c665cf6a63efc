import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Address } from '@eco/base';

/**
 * The line between a branch and the head office: a port of this machine for each server. A silent cut loses what is sent,
 * as a pulled cable does; the others reset every connection.
 */
export class Line {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #state: 'up' | 'silent' | 'down' = 'up';

  /** Returns the address that leads to each of these. */
  async to(targets: readonly Address[]): Promise<Address[]> {
    return Promise.all(targets.map((target) => this.#listen(target)));
  }

  cut(how: 'silent' | 'down'): void {
    this.#state = how;
    if (how === 'silent') for (const socket of this.#sockets) socket.pause();
    else this.#reset();
  }

  /** After a silent cut, what had not arrived is lost, and its connections end. */
  mend(): void {
    if (this.#state === 'silent') this.#reset();
    this.#state = 'up';
  }

  async close(): Promise<void> {
    this.#reset();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  async #listen({ host, port, ...target }: Address): Promise<Address> {
    const server = createServer({ noDelay: true }, (near) => this.#join(near, { host, port }));
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { ...target, host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  }

  #join(near: Socket, target: { readonly host: string; readonly port: number }): void {
    this.#track(near);
    if (this.#state === 'down') return reset(near);
    if (this.#state === 'silent') return void near.pause();
    const far = connect({ ...target, noDelay: true });
    this.#track(far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => to.write(chunk));
      from.once('close', () => to.destroy());
    }
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #reset(): void {
    for (const socket of this.#sockets) reset(socket);
  }
}

/**
 * Node fails to reset a socket whose end waits behind unsent bytes, and never closes it then. The process would not end
 * (Node 24.21).
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
