import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { problem, type ProblemError } from './problem.js';

/*
 * A page of any site can make a browser send requests to this machine, and a listener on the loopback address accepts
 * them. So a request that a page of another site can have sent is refused (ADR 0074).
 */

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const HOST = /^(\[[0-9a-f:.]+\]|[^:]+)(?::\d{1,5})?$/;

/**
 * Headers that a browser sends to another site only after a preflight, which this service refuses (Fetch Standard,
 * CORS-safelisted request-header). A client of EcoMarket sends one of them with each POST that has no body.
 */
const PREFLIGHTED = ['authorization', 'idempotency-key', 'prefer'] as const;

export class ForeignRequests {
  readonly #names: ReadonlySet<string>;

  /** `names`: host names of this service, in addition to those of the loopback address and to IP addresses. */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.map((name) => name.toLowerCase()));
  }

  /** The problem with which this request is refused. Undefined: no page of another site can have sent it. */
  refusalOf({
    method = 'GET',
    url = '/',
    httpVersionMajor,
    headers,
    rawHeaders,
  }: IncomingMessage): ProblemError | undefined {
    if (httpVersionMajor < 1) return problem('bad-input', { detail: 'HTTP/1.0 or newer is needed' });
    // A request to a proxy also names a host in its target, and that may differ from the header.
    if (!url.startsWith('/')) {
      return problem('bad-input', { faults: [{ at: 'path', message: 'must begin with "/"' }] });
    }
    if (isRepeated(rawHeaders, 'host')) {
      return problem('bad-input', { faults: [{ at: 'header.host', message: 'must not be given twice' }] });
    }
    // Only HTTP/1.0 may omit the host, and no browser does.
    const host = headers.host?.toLowerCase();
    if (host !== undefined && !this.#isOurs(host)) {
      return problem('misdirected', { detail: `This service is not known as ${JSON.stringify(host.slice(0, 100))}` });
    }
    if (SAFE_METHODS.has(method)) return undefined;
    const { origin } = headers;
    if (headers['sec-fetch-site'] === 'cross-site' || (origin !== undefined && hostOf(origin) !== host)) {
      return problem('cross-site', { detail: 'A page of another site sent this request' });
    }
    if (method === 'POST' && isBodyless(headers) && PREFLIGHTED.every((name) => headers[name] === undefined)) {
      const message =
        'must be application/json, or an Idempotency-Key must be given: a page of another site sends neither';
      return problem('unsupported-media-type', { faults: [{ at: 'header.content-type', message }] });
    }
    return undefined;
  }

  /**
   * Every IP address is accepted without being configured. An attack by DNS needs a name, which the attacker's server
   * resolves to the address of this process.
   */
  #isOurs(host: string): boolean {
    const name = HOST.exec(host)?.[1];
    if (name === undefined) return false;
    if (name === 'localhost' || name.endsWith('.localhost') || this.#names.has(name)) return true;
    return isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  }
}

/** Whether a request states no media type, as one without a body does. With a body, the media type is checked when the body is read. */
function isBodyless(headers: IncomingMessage['headers']): boolean {
  return headers['content-type'] === undefined;
}

/** Host and port of an origin. Undefined: it has none, as in `null`, the origin of a sandboxed page. */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1];
}

/** Whether a header is given twice. Node keeps only the first of some headers. */
function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const given = rawHeaders[index];
    if (given?.length === name.length && given.toLowerCase() === name) count += 1;
  }
  return count > 1;
}
