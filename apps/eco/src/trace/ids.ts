import type { LogLine } from './log-lines.js';

/** Ids under which logs and rows know one request. */
export interface Ids {
  /** Of the requests that were sent as commands. */
  readonly correlationIds: ReadonlySet<string>;
  /** Of commands, and so of the orders that they made. */
  readonly commandIds: ReadonlySet<string>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The ids that belong to `id`: an order's or another command's, a correlation id or a trace. `lines`: those that contain
 * it. A read of the order names it too, but is another request.
 */
export function idsOf(id: string, lines: readonly LogLine[]): Ids {
  const correlationIds = new Set<string>();
  const isCorrelationId = lines.some((line) => line['correlationId'] === id || line['clientCorrelationId'] === id);
  const commandIds = new Set<string>(UUID.test(id) && !isCorrelationId ? [id] : []);
  for (const line of lines) {
    const made = madeBy(line);
    const isOwn = line['correlationId'] === id || line['traceId'] === id || line['clientCorrelationId'] === id;
    if (!isOwn && made !== id && line['commandId'] !== id) continue;
    if (typeof line['correlationId'] === 'string') correlationIds.add(line['correlationId']);
    if (made !== undefined) commandIds.add(made);
    if (typeof line['commandId'] === 'string') commandIds.add(line['commandId']);
  }
  return { correlationIds, commandIds };
}

/** The id in the `Location` of a response, such as `/orders/<id>`. */
function madeBy({ location }: LogLine): string | undefined {
  const last = typeof location === 'string' ? location.split('/').at(-1) : undefined;
  return last !== undefined && UUID.test(last) ? last : undefined;
}

/** The ids that a log may contain have no other characters. A text such as `"` would be in every line. */
export const ID = /^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{7,127}$/;
