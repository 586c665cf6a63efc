import { pipeline, Readable } from 'node:stream';
import { constants, createGzip, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler, RouteOptions } from 'fastify';

/*
 * Large responses of reads are compressed with gzip if the client accepts it (ADR 0101). Only GET routes have the hook,
 * so an order costs nothing more.
 */

/** A shorter response fits into one packet of the network in any case, bytes. */
const BYTES_MIN = 1_400;
/** Level 4 of 9: JSON of 100 kB shrinks to a tenth, as with level 6, in half the time. */
const LEVEL = 4;
const COMPRESSIBLE = /^(?:text\/|application\/(?:[a-z.-]+\+)?(?:json|javascript)|image\/svg\+xml)/;
/** Monitoring reads these paths all the time, on the same machine or network. */
const NEVER = /^\/(?:health\/|metrics$)/;

/** Adds compression to each GET route that is added from now on. */
export function addCompression(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route: RouteOptions) => {
    if (route.method.toString() !== 'GET' || NEVER.test(route.url)) return;
    route.onSend = [...[route.onSend ?? []].flat(), compress];
  });
}

const compress: onSendHookHandler<unknown> = (request, reply, payload, done) => {
  if (!isCompressible(request, reply)) return done(null, payload);
  if (payload instanceof Readable) {
    const zipped = createGzip({ level: LEVEL, flush: constants.Z_SYNC_FLUSH });
    encoded(reply);
    // The pipeline ends both: an error of the list cuts the response, and a client that disconnects ends the list.
    pipeline(payload, zipped, () => undefined);
    return done(null, zipped);
  }
  if ((typeof payload !== 'string' && !Buffer.isBuffer(payload)) || payload.length < BYTES_MIN) {
    return done(null, payload);
  }
  gzip(payload, { level: LEVEL }, (error, bytes) => {
    if (error !== null) return done(error);
    encoded(reply);
    done(null, bytes);
  });
};

function isCompressible({ method, headers }: FastifyRequest, reply: FastifyReply): boolean {
  return (
    method === 'GET' &&
    reply.statusCode === 200 &&
    acceptsGzip(headers['accept-encoding']?.toString()) &&
    !reply.hasHeader('content-encoding') &&
    COMPRESSIBLE.test(String(reply.getHeader('content-type')))
  );
}

function encoded(reply: FastifyReply): void {
  reply.header('Content-Encoding', 'gzip').removeHeader('content-length');
}

/** Whether `Accept-Encoding` allows gzip, by name or by "*", with a weight above 0 (RFC 9110, 12.5.3). */
export function acceptsGzip(header = ''): boolean {
  if (header.length > 1_000) return false;
  const weights = new Map(
    header
      .toLowerCase()
      .split(',')
      .map((part) => {
        const [coding = '', ...parameters] = part.split(';').map((each) => each.trim());
        const weight = parameters.find((each) => each.startsWith('q='))?.slice(2) ?? '1';
        return [coding, /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0];
      }),
  );
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
}
