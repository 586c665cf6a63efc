import { Agent } from 'undici';
import type { OwnToken } from '@eco/access';

export interface HttpAnswer {
  status: number;
  header(name: string): string | undefined;
  /** The parsed body. Undefined: it is not JSON. */
  body: unknown;
}

/**
 * Requests to our own services over kept-alive connections. It uses undici's `dispatch`: the load shares its cores with
 * the servers under load, and node:http and undici's `request` take 2.5 times the CPU of it (180 to 215 µs a request and
 * 74 to 81, measured in one run, 32 callers).
 */
export class HttpClient {
  readonly #agent: Agent;
  readonly #token: OwnToken;

  constructor(sockets: number, token: OwnToken) {
    this.#token = token;
    this.#agent = new Agent({ connections: sockets });
  }

  /** Rejects if the response does not begin within `deadlineMs`, or pauses for that time. */
  async send(
    method: string,
    url: string,
    {
      body,
      headers = {},
      deadlineMs = 10_000,
    }: { body?: unknown; headers?: Record<string, string>; deadlineMs?: number } = {},
  ): Promise<HttpAnswer> {
    const authorization = await this.#token.header();
    const { origin, pathname, search } = new URL(url);
    return new Promise((resolve, reject) => {
      let status = 0;
      let received: Record<string, string | string[] | undefined> = {};
      const chunks: Buffer[] = [];
      this.#agent.dispatch(
        {
          origin,
          path: pathname + search,
          method,
          headersTimeout: deadlineMs,
          bodyTimeout: deadlineMs,
          headers: { ...authorization, ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_controller, statusCode, responseHeaders) => {
            status = statusCode;
            received = responseHeaders;
          },
          onResponseData: (_controller, chunk) => void chunks.push(chunk),
          onResponseEnd: () => {
            const header = (name: string) => received[name.toLowerCase()]?.toString();
            resolve({ status, header, body: parsed(Buffer.concat(chunks), header('content-type')) });
          },
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

function parsed(content: Buffer, type: string | undefined): unknown {
  if (!/\bjson\b/.test(type ?? '') || content.length === 0) return undefined;
  return JSON.parse(content.toString('utf8'));
}
