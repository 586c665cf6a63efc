import type { SignerSecrets } from '@eco/access';
import { Callers, specTokens } from './callers.js';

export interface Answered {
  status: number;
  headers: Headers;
  /** Empty: there was no body. */
  body: Record<string, unknown>;
}

/** Sends HTTP requests to a service and returns any response. `url` is read for each request. */
export function anonymousClientOf(url: () => string) {
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answered> => {
    const response = await fetch(url() + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Answered['body'],
    };
  };
}

/**
 * The same, but each request has the access token of a caller that may send it, unless `headers` has another. `url` and
 * `tokens` are read for each request, because servers start after the spec is loaded. `tokens`: the keys of the
 * service; default `specTokens`.
 */
export function apiClientOf(
  url: () => string,
  tokens: () => SignerSecrets | Promise<SignerSecrets> = () => specTokens,
): ReturnType<typeof anonymousClientOf> {
  const callers = new Callers(tokens);
  const send = anonymousClientOf(url);
  return async (method, path, body, headers = {}) =>
    send(method, path, body, { ...(await callers.usual(path)), ...headers });
}
