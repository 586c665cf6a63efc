import { sleep } from '@eco/base';
import { headers } from '@eco/contracts';
import type { HttpClient } from './http-client.js';
import type { PlannedOrder, Shopping } from './shopping.js';

export interface Accepted {
  orderId: string;
  customerId: string;
  /** `performance.now()` when the request was sent and when its 202 arrived. */
  sentMs: number;
  acceptedMs: number;
}

export interface WritersResult {
  accepted: Accepted[];
  /** Responses other than 202, and requests without a response, by text. */
  failures: Map<string, number>;
  startedMs: number;
  endedMs: number;
}

export interface WritersOptions {
  http: HttpClient;
  /** Addresses of the two APIs, which are used in turn. */
  urls: readonly string[];
  shopping: Shopping;
  concurrency: number;
  /** The number of orders or the duration ends the writing, whichever is reached first. */
  orders: number;
  durationMs: number;
  /** Makes the `Idempotency-Key`s of this run unique. */
  run: string;
  onAccepted(order: Accepted, planned: PlannedOrder): void;
  signal: AbortSignal;
}

/**
 * The given number of callers, each with one order in flight. Every request has an Idempotency-Key. A request without a
 * clear answer is repeated with its key, as a till would. So every order that counts as accepted was promised exactly
 * once.
 */
export async function runWriters(options: WritersOptions): Promise<WritersResult> {
  const accepted: Accepted[] = [];
  const failures = new Map<string, number>();
  const startedMs = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < options.orders && performance.now() - startedMs < options.durationMs && !options.signal.aborted) {
      const index = next++;
      const planned = options.shopping.next();
      const order = await place(index, planned);
      if (order === undefined) continue;
      accepted.push(order);
      options.onAccepted(order, planned);
    }
  };

  async function place(index: number, planned: PlannedOrder): Promise<Accepted | undefined> {
    const url = options.urls[index % options.urls.length] ?? '';
    const sentMs = performance.now();
    for (let attempt = 1; ; attempt++) {
      const said = await send(url, index, planned);
      if (typeof said !== 'string')
        return { ...said, customerId: planned.customerId, sentMs, acceptedMs: performance.now() };
      failures.set(said, (failures.get(said) ?? 0) + 1);
      if (attempt === MAX_ATTEMPTS || options.signal.aborted) return undefined;
      await sleep(RETRY_PAUSE_MS);
    }
  }

  async function send(url: string, index: number, planned: PlannedOrder): Promise<{ orderId: string } | string> {
    try {
      const answer = await options.http.send('POST', `${url}/orders`, {
        body: planned,
        headers: { [headers.idempotencyKey]: `load-${options.run}-${index}` },
      });
      if (answer.status === 202) return answer.body as { orderId: string };
      const { title } = (answer.body ?? {}) as { title?: string };
      return `${answer.status} ${title ?? ''}`.trim();
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  await Promise.all(Array.from({ length: options.concurrency }, caller));
  return { accepted, failures, startedMs, endedMs: performance.now() };
}

/** Most tries of a request. They take half a minute, longer than any restart that the system promises to survive. */
const MAX_ATTEMPTS = 30;
const RETRY_PAUSE_MS = 1000;
