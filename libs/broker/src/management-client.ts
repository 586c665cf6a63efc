/** The management API of any node of the cluster, and a user's log-in. */
export interface Management {
  /** Base address, such as `http://127.0.0.1:15672`. */
  url: string;
  user: string;
  password: string;
}

export interface ManagementAnswer {
  readonly status: number;
  /** The status is 2xx. */
  readonly ok: boolean;
  readonly text: string;
}

export interface ManagementRequest {
  /** Default: GET. */
  readonly method?: string | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Time limit of the answer, ms. Default: 10 s. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 10_000;

/** Calls the API and returns its answer, whatever the status. `path` such as `/api/nodes`. Throws if nothing answers. */
export async function askManagement(
  { url, user, password }: Management,
  path: string,
  { method = 'GET', body, deadlineMs = DEADLINE_MS }: ManagementRequest = {},
): Promise<ManagementAnswer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(deadlineMs),
  });
  return { status: response.status, ok: response.ok, text: await response.text() };
}

/** Calls the API and returns the content of its answer; undefined if it has none. Throws unless the status is 2xx. */
export async function manage(management: Management, path: string, request: ManagementRequest = {}): Promise<unknown> {
  const { status, ok, text } = await askManagement(management, path, request);
  if (!ok)
    throw new Error(`The broker's management API answered ${status} to ${request.method ?? 'GET'} ${path}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
