import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseTraceParent, type Span } from '@eco/base';
import { headers } from '@eco/contracts';
import type { Tracing } from './tracing.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined: the request is not traced here. */
    span: Span | undefined;
  }
}

/**
 * Follows requests by the header `traceparent`. It names a trace and decides nothing else: a client that sends a false one
 * gets a trace that is of no use. A header that is malformed counts as none.
 */
export function addTracing(fastify: FastifyInstance, tracing: Tracing): void {
  fastify.decorateRequest('trace');
  fastify.decorateRequest('span');
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { traceparent } = request.headers;
    if (traceparent !== undefined || tracing.isOn) begin(tracing, request, traceparent);
    done();
  });
  // Without a collector there are no spans, and a hook would cost every request.
  if (!tracing.hasCollector) return;
  fastify.addHook('onResponse', (request, reply, done) => {
    if (request.span !== undefined) end(request, request.span, reply);
    done();
  });
}

function begin(tracing: Tracing, request: FastifyRequest, header: unknown): void {
  const { access } = request.routeOptions.config;
  // Health, metrics and documents have no callers, and no spans.
  if (access === undefined || access === 'open') return;
  const received = typeof header === 'string' ? parseTraceParent(header) : undefined;
  request.trace = received;
  if (!tracing.isOn) return;
  if (tracing.samples(received)) {
    request.span = tracing.start(isRead(request) ? 'read' : 'accept', { parent: received });
    request.trace = request.span?.context;
  } else if (received?.sampled === true) request.trace = { ...received, sampled: false };
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Such as `/orders/<id>`. The id of a customer is chosen by people and may be a name. */
const LOCATION_OF_UUID = /\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function end(request: FastifyRequest, span: Span, reply: FastifyReply): void {
  const { statusCode } = reply;
  const location = reply.getHeader('location')?.toString();
  const headerOf = (name: string): string | undefined => reply.getHeader(name)?.toString();
  span.end(
    {
      'http.request.method': request.method,
      // Not the URL, which may hold personal data.
      'http.route': request.routeOptions.url,
      'http.response.status_code': statusCode,
      'eco.correlation_id': request.id,
      'eco.problem': request.problem,
      'eco.location': location !== undefined && LOCATION_OF_UUID.test(location) ? location : undefined,
      'eco.durability': headerOf(headers.durability),
      'eco.source': headerOf(headers.source),
      'eco.lag_ms': headerOf(headers.lagMs),
      'eco.position': headerOf(headers.position),
    },
    statusCode >= 500 ? (request.problem ?? `status ${statusCode}`) : undefined,
  );
}
