export interface Answered {
  status: number;
  headers: Headers;
  /** Empty: there was no body. */
  body: Record<string, unknown>;
}

/**
 * Sends HTTP requests to a service and returns any response. `url` is read for each request, because servers start
 * after the spec is loaded.
 */
export function apiClientOf(url: () => string) {
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
