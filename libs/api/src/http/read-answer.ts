import { headers, LAG_UNKNOWN, type ProblemName } from '@eco/contracts';
import { problem, type ProblemError } from '@eco/service';
import {
  reasonOf,
  type ConsumerAnswer,
  type GroupAnswer,
  type ReadOptions,
  type ReadFailure,
  type Source,
} from '@eco/reads';
import { formatPosition, positionOf } from '@eco/routing';

/** Headers of every read's response, for the API document. */
export const READ_ANSWER_HEADERS = [headers.position, headers.source, headers.lagMs];

/** Problems of every read. */
export const READ_PROBLEMS = [
  'no-node',
  'not-fresh',
  'position-lost',
  'too-busy',
  'too-slow',
] as const satisfies readonly ProblemName[];

/** Time after which a client should retry, s. Nodes recover and catch up within about that time. */
const RETRY_AFTER_SECONDS = 1;
export const retryAfter = { [headers.retryAfter]: String(RETRY_AFTER_SECONDS) };
/** Time after which a client should retry a report, s. A report takes seconds. */
const retryAfterReports = { [headers.retryAfter]: '5' };

/**
 * Most orders in a position. With the entries of its groups, the header is then far shorter than the longest accepted
 * one.
 */
const ORDERS_CARRIED_MAX = 64;

/**
 * States which nodes answered, their greatest lag, and the reader's new position: the position of this answer, merged
 * with the entries that the reader sent about other groups and orders. So a reader that keeps only the last position
 * never sees time run back. `settled`: orders that this answer decides.
 */
export function headersOf(
  sources: readonly Source[],
  { position: brought }: ReadOptions,
  settled: readonly string[] = [],
): Record<string, string> {
  const read = new Set(sources.map(({ group }) => group));
  const carried = brought.groups.filter(({ group }) => !read.has(group));
  const orders = ordersCarried(brought.orders.filter((id) => !settled.includes(id)));
  const position = formatPosition(
    positionOf([...sources.flatMap((source) => source.position ?? []), ...carried], orders),
  );
  return {
    [headers.source]: sources.map(({ node, role }) => `${node} (${role})`).join(', '),
    [headers.lagMs]: lagText(...sources.map(({ lagMs }) => lagMs)),
    // A group that never had a writer has no position.
    ...(position === '' ? {} : { [headers.position]: position }),
  };
}

/**
 * Limits the orders in a position. Beyond the limit the oldest are dropped, because they are most probably decided. Ids
 * of version 7 grow with time. Ids that derive from an `Idempotency-Key` have no age, so they are dropped last.
 */
export function ordersCarried(orders: readonly string[]): string[] {
  const hasAge = (id: string) => id[VERSION_AT] === '7';
  const byAge = [...orders.filter(hasAge).sort(), ...orders.filter((id) => !hasAge(id))];
  return byAge.slice(-ORDERS_CARRIED_MAX);
}

/** Index of the version digit in a UUID. */
const VERSION_AT = 14;

/** The same for a consumer's rows. The position shows the changes that the consumer has applied. */
export function consumerHeadersOf({ node, role, position, lagMs }: ConsumerAnswer<unknown>): Record<string, string> {
  const text = formatPosition(position);
  return {
    [headers.source]: `${node} (${role})`,
    [headers.lagMs]: lagText(lagMs),
    ...(text === '' ? {} : { [headers.position]: text }),
  };
}

/** Text of the header `EcoMarket-Lag-Ms`: the greatest lag, or `unknown` if one of them is (undefined). */
export function lagText(...lagsMs: readonly (number | undefined)[]): string {
  const known = lagsMs.filter((lagMs) => lagMs !== undefined);
  return known.length < lagsMs.length ? LAG_UNKNOWN : String(Math.max(0, ...known));
}

/** Returns the answer, or throws the problem that states why there is none. */
export function answered<Row, Extra>(result: GroupAnswer<Row, Extra> | ReadFailure): GroupAnswer<Row, Extra> {
  if (result.type === 'answer') return result;
  throw problemOf(result);
}

export function problemOf(failure: ReadFailure): ProblemError {
  const detail = reasonOf(failure);
  switch (failure.type) {
    case 'no-node':
    case 'not-fresh':
      return problem(failure.type, { detail, headers: retryAfter });
    case 'too-busy':
    case 'too-slow':
      return problem(failure.type, { detail, headers: retryAfterReports });
    case 'bad-value':
      return problem('bad-input', { faults: [{ at: 'query', message: detail }] });
    case 'position-lost':
      return problem('position-lost', { detail: `${detail}: discard it and read again` });
  }
}
