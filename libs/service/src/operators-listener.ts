import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { TlsFile } from './config/tls.js';
import { connectionOptions, refuseConnection } from './http/connections.js';
import { httpsOptions } from './http/listener-tls.js';

/*
 * A second listener of the process, for operators: it serves every route, and some that clients do not get. Both listeners
 * share one router, so the forms in the API documents send their requests to the origin that they came from (ADR 0074).
 */

/** Most open connections. Monitoring and a few people need fewer. */
const CONNECTIONS_MAX = 200;

/** Routes that only operators get, by path. Clients get a shorter answer from `/health/ready`. */
const OPERATORS_ONLY = /^\/$|^\/metrics$|^\/docs(?:[/-]|$)/;

/** Constraint of a route that only operators get. */
export const forOperators = { listener: 'operators' } as const;

export class OperatorsListener {
  readonly #server: Server | HttpsServer;
  readonly #received = new WeakSet<IncomingMessage>();

  /** Create it before the routes are added, because it marks the routes that only operators get. */
  constructor(fastify: FastifyInstance, tls: TlsFile | undefined) {
    const receive = (request: IncomingMessage, response: ServerResponse) => {
      this.#received.add(request);
      fastify.routing(request, response);
    };
    this.#server = tls ? createHttpsServer(httpsOptions(tls), receive) : createServer(connectionOptions, receive);
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on('clientError', (error, socket) => refuseConnection(error, socket as Socket));
    fastify.addConstraintStrategy({
      name: 'listener',
      mustMatchWhenDerived: false,
      storage: () => {
        const handlers = new Map<string, unknown>();
        return {
          get: (name: string) => (handlers.get(name) as never) ?? null,
          set: (name: string, handler: unknown) => void handlers.set(name, handler),
        };
      },
      validate: () => undefined,
      deriveConstraint: (request: IncomingMessage) => (this.#received.has(request) ? forOperators.listener : undefined),
    } as Parameters<FastifyInstance['addConstraintStrategy']>[0]);
    fastify.addHook('onRoute', (route: RouteOptions) => {
      if (OPERATORS_ONLY.test(route.url)) route.constraints = { ...route.constraints, ...forOperators };
    });
  }

  get server(): Server | HttpsServer {
    return this.#server;
  }

  /** Resolves with its port. Rejects with the system's error if the port is not available. */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
