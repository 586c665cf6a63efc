export interface Answered {
  status: number;
  headers: Headers;
  /** Empty: there was none. */
  body: Record<string, unknown>;
}

/** Asks a service over HTTP and takes whatever it answers. `url` is looked up at each request: a server starts after the spec is read. */
export function askerOf(url: () => string) {
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
