import type { Socket } from 'node:net';
import { ProblemError, problemBody, PROBLEM_TYPE } from './problem.js';
import { apiHeaders } from './security-headers.js';

/** Limits of clients' connections, before there is a request. */

/**
 * A request must arrive completely within this time, ms: a client that sends byte by byte must not hold a connection
 * forever.
 */
const REQUEST_ARRIVAL_MS = 30_000;
/**
 * Pause between two checks of Node for late requests, ms. With the default of 30 s, a request would be ended only after
 * up to 60 s.
 */
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

/**
 * Answers data that is no complete HTTP request. There is no request object, so the answer is written to the socket.
 */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) {
    const body = JSON.stringify(
      problemBody(new ProblemError('bad-input', { detail: connectionFault(error.code) }), {}),
    );
    const headers = {
      ...apiHeaders,
      Connection: 'close',
      'Content-Type': PROBLEM_TYPE,
      'Content-Length': Buffer.byteLength(body),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 400 Bad Request\r\n${lines.join('')}\r\n${body}`);
  }
  socket.destroy(error);
}

function connectionFault(code: string | undefined): string {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return `The request did not arrive whole within ${REQUEST_ARRIVAL_MS} ms`;
  if (code === 'HPE_HEADER_OVERFLOW') return 'The headers are longer than 16 KiB together';
  return 'This is not well-formed HTTP';
}
