import type { Socket } from 'node:net';
import { ProblemError, problemBody, PROBLEM_TYPE } from './problem.js';

/** Connections of clients, before there is a request. */

/**
 * A request must arrive completely within this time, ms: a client that sends byte by byte must not hold a connection
 * forever.
 */
const REQUEST_ARRIVAL_MS = 30_000;
/** Pause between two looks of Node for late requests, ms. By default it is 30 s, so that a limit of 30 s takes 60. */
const CONNECTION_LOOK_MS = 1_000;
/**
 * A connection without a request is closed after this time, ms. It is longer than the 60 s of nginx, which would
 * otherwise send a request on a connection that we are closing.
 */
const IDLE_MS = 72_000;

/** Options of an HTTP server. */
export const connectionOptions = {
  requestTimeout: REQUEST_ARRIVAL_MS,
  keepAliveTimeout: IDLE_MS,
  connectionsCheckingInterval: CONNECTION_LOOK_MS,
};

/** The data is no HTTP request, or an incomplete one: there is only a socket to answer. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const body = JSON.stringify(
      problemBody(new ProblemError('bad-input', { detail: connectionFault(error.code) }), {}),
    );
    socket.write(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}

function connectionFault(code: string | undefined): string {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return `The request did not arrive whole within ${REQUEST_ARRIVAL_MS} ms`;
  if (code === 'HPE_HEADER_OVERFLOW') return 'The headers are longer than 16 KiB together';
  return 'This is not well-formed HTTP';
}
