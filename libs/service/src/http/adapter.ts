import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '@eco/base';
import { headers } from '@eco/contracts';
import { HttpResponse } from './response.js';
import { addCompression } from './compression.js';
import { connectionOptions, refuseConnection } from './connections.js';
import { ForeignRequests } from './foreign-requests.js';
import { parseJsonBody } from './json-body.js';
import { refusalOfForm } from './request-form.js';
import { problem, problemBody, PROBLEM_TYPE } from './problem.js';
import { BODY_BYTES_MAX, problemOf } from './problem-of.js';
import { RouteTable } from './routes.js';
import type { TlsFile } from '../config/tls.js';
import { httpsOptions } from './listener-tls.js';
import { apiHeaders, pageHeaders, publicHeaders, tlsHeaders } from './security-headers.js';

/**
 * Longest part of a path, in characters as sent: a customer id has 128 characters, each up to four bytes in
 * percent-encoding.
 */
const PATH_PART_MAX = 128 * 12;
/**
 * A client that reads nothing of a streamed response for this time is disconnected, ms: it holds a page and a
 * connection.
 */
const STREAM_IDLE_MS = 60_000;

/** Most characters of the path in a problem: a URL may be as long as all headers. */
const INSTANCE_MAX = 500;

const CORRELATION_ID = /^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$/;

/**
 * The client's id in `X-Correlation-Id`, if it is fit for logs. Two clients may send the same id, so it never replaces
 * the id that the service makes.
 */
export function clientCorrelationIdOf(request: IncomingMessage): string | undefined {
  const given = request.headers['x-correlation-id'];
  return typeof given === 'string' && CORRELATION_ID.test(given) ? given : undefined;
}

export interface ConnectionLimits {
  /** Host names of this service, see `ForeignRequests`. */
  readonly hosts: readonly string[];
  /** Most open connections. A further one is closed at once. */
  readonly connectionsMax: number;
  /** Addresses or networks whose `X-Forwarded-For` names the client. */
  readonly trustedProxies: readonly string[];
  /** Absent: the listener has no TLS. */
  readonly tls?: TlsFile | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Type of the problem with which the request was refused. */
    problem: string | undefined;
  }
}

/**
 * Fastify under Nest, with every error answered as a problem. Nest's filter handles errors in controllers, and
 * Fastify's handlers handle earlier ones. A request's id is its correlation id.
 */
export class ServiceAdapter extends FastifyAdapter implements ExceptionFilter {
  readonly #routes = new RouteTable();
  readonly #log: Log;

  constructor(log: Log, { hosts, connectionsMax, trustedProxies, tls }: ConnectionLimits) {
    super({
      bodyLimit: BODY_BYTES_MAX,
      routerOptions: { maxParamLength: PATH_PART_MAX },
      requestTimeout: connectionOptions.requestTimeout,
      keepAliveTimeout: connectionOptions.keepAliveTimeout,
      ...(tls ? { https: httpsOptions(tls) } : { http: connectionOptions }),
      trustProxy: trustedProxies.length > 0 && [...trustedProxies],
      requestIdHeader: false,
      genReqId: () => randomUUID(),
      // While the process stops, a request on an open connection is still served, and the connection is then closed.
      return503OnClosing: false,
      frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
        void this.send(error, request, reply),
      clientErrorHandler: (error, socket) => refuseConnection(error, socket),
      // Nest's middleware engine would handle every request, although there is no middleware.
      skipMiddie: true,
    });
    this.#log = log;
    const fastify = this.getInstance();
    fastify.decorateRequest('problem');
    fastify.server.maxConnections = connectionsMax;
    const foreign = new ForeignRequests(hosts);
    fastify.addHook('onRoute', ({ url, method }) => this.#routes.add(url, [method].flat()));
    fastify.addHook('onRequest', (request, reply, done) => {
      reply.header(headers.correlationId, request.id);
      reply.headers(headersFor(request));
      if (tls && request.hostname !== 'localhost') reply.headers(tlsHeaders);
      // A request for an unknown path is answered as such, because it can neither change nor show anything.
      done(request.is404 ? undefined : (foreign.refusalOf(request.raw) ?? refusalOfForm(request.raw)));
    });
    addCompression(fastify);
    fastify.removeAllContentTypeParsers();
    for (const type of ['application/json', 'application/merge-patch+json']) {
      fastify.addContentTypeParser(type, { parseAs: 'buffer' }, (request, body, done) => {
        try {
          done(null, parseJsonBody(body as Buffer, request.headers, request.method));
        } catch (error) {
          done(error as Error);
        }
      });
    }
  }

  /** Nest must add no parsers: the constructor adds the only one, for JSON. Forms are refused. */
  override registerParserMiddleware(): void {}

  override setErrorHandler(): ReturnType<FastifyAdapter['setErrorHandler']> {
    return this.getInstance().setErrorHandler((error: FastifyError, request, reply) =>
      this.send(error, request, reply),
    );
  }

  override setNotFoundHandler(): ReturnType<FastifyAdapter['setNotFoundHandler']> {
    return this.getInstance().setNotFoundHandler((request, reply) => {
      const path = decodePath(request.url);
      const methods = this.#routes.methodsOf(path);
      const error =
        methods.length === 0 || methods.includes(request.method)
          ? problem('not-found', { detail: `${path} does not exist` })
          : problem('method-not-allowed', {
              detail: `${path} allows ${methods.join(', ')}, not ${request.method}`,
              headers: { Allow: methods.join(', ') },
            });
      return this.send(error, request, reply);
    });
  }

  override reply(response: FastifyReply, body: unknown, status?: number): FastifyReply {
    if (!(body instanceof HttpResponse)) return super.reply(response, body, status);
    if (body.body instanceof Readable) this.#watch(body.body, response);
    return response.code(body.status).headers(body.headers).send(body.body);
  }

  /**
   * Sends a stream as the response. Fastify reads it as fast as the client does, destroys it if the client goes away,
   * and cuts the connection if the stream fails.
   */
  #watch(stream: Readable, { request, raw }: FastifyReply): void {
    stream.once('error', (err) => {
      const facts = { err, correlationId: request.id, url: request.url };
      if (raw.destroyed) this.#log.debug(facts, 'client disconnected before its response was complete');
      else this.#log.warn(facts, 'response cut off: it could not be completed');
    });
    raw.setTimeout(STREAM_IDLE_MS, () => raw.destroy());
    // Otherwise Fastify would read the whole stream and send nothing.
    if (request.method === 'HEAD') stream.destroy();
  }

  /** Nest calls this as its global filter. */
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    void this.send(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  send(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (hasHungUp(request.raw)) {
      this.#log.debug(
        { correlationId: request.id, url: request.url },
        'client disconnected before its request was complete',
      );
      return reply.send(error);
    }
    const refusal = problemOf(error);
    request.problem = refusal.problem;
    if (refusal.status === 500) {
      this.#log.error(
        { err: refusal.details.cause ?? refusal, correlationId: request.id, url: request.url },
        'request failed',
      );
    }
    if (reply.sent) return reply;
    if (refusal.problem === 'body-too-large') readOn(request, reply);
    reply.removeHeader('content-encoding');
    const body = problemBody(refusal, { instance: request.url.slice(0, INSTANCE_MAX), correlationId: request.id });
    return reply
      .code(refusal.status)
      .headers({ ...headersFor(request), ...refusal.details.headers, [headers.correlationId]: request.id })
      .type(PROBLEM_TYPE)
      .send(JSON.stringify(body));
  }
}

function headersFor({ url, method, routeOptions }: FastifyRequest): Readonly<Record<string, string>> {
  if (method !== 'GET' && method !== 'HEAD') return apiHeaders;
  if (url.startsWith('/docs')) return pageHeaders;
  const { access } = routeOptions.config ?? {};
  return typeof access === 'object' && access.anonymous === 'any' ? publicHeaders : apiHeaders;
}

function hasHungUp(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete;
}

/**
 * Reads and drops the rest of a request before its connection is closed, for as long as a request may take to arrive. A
 * client reads the response only after it has sent the whole request. Without this, Fastify would close the connection
 * first, and the client would never read the response.
 */
function readOn(request: FastifyRequest, reply: FastifyReply): void {
  reply.removeHeader('connection');
  request.raw.resume();
}

function decodePath(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
