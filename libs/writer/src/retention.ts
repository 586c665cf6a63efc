import { removeCartItems, WHERE_FENCED } from '@eco/database';
import { textsLiteral, type Statement } from '@eco/postgres';
import type { Row, WriterSession } from './session.js';

/*
 * Removes rows that are kept only for a time: tombstones, closed dead letters (and key conflicts, which can only be
 * closed), removed cart items, and empty carts. It empties closed dead letters earlier, because their content may be
 * personal. docs/operations.md lists all tables. As with all data of a group, the
 * leader removes them in a batch: fenced, replicated, a limited number of rows at a time. A removal lets no late
 * command take effect: all these rows are kept for longer than `COMMAND_DAYS_MAX`, after which a command expires.
 */

/** Rows of one kind per batch. With 500 rows a batch took 5 to 10 ms longer than an empty one, on a busy machine. */
const ROWS_MAX = 200;
/** Rows that a page reads from a table without a suitable index. */
const PAGE_ROWS = 500;
const LOOK_EVERY_MS = 10_000;
/** Pause while more rows are due. */
const NEXT_MS = 1_000;
/** Pause between two passes through the carts, and after a failed removal. */
const REST_MS = 6 * 3_600_000;

/** A statement that removes rows in a batch. Its first parameters are those of the fence, and the others follow here. */
export interface Removal {
  statement: Statement;
  values: unknown[];
}

// Instant before which rows are old. $1: how long they are kept, ms, by the group's clock.
const BEFORE = `(SELECT s.at - $1 * interval '1 ms' FROM eco.group_position s)`;
const STAMP_BEFORE = `(SELECT lpad(greatest(0, floor(extract(epoch FROM s.at) * 1000 - $1))::text, 15, '0') FROM eco.group_position s)`;

const oldTombstones: Statement = {
  name: 'find old tombstones',
  text: `SELECT t.command_id FROM eco.tombstone t WHERE t.at < ${BEFORE} ORDER BY t.at LIMIT ${ROWS_MAX}`,
};
const removeTombstones: Statement = {
  name: 'remove tombstones',
  text: `DELETE FROM eco.tombstone t ${WHERE_FENCED} AND t.command_id = ANY ($4::uuid[])`,
};

const oldDeadLetters: Statement = {
  name: 'find old dead letters',
  text: `
(SELECT d.command_id, encode(d.body_hash, 'hex') FROM eco.dead_letter d
 WHERE d.state <> 'open' AND d.first_failed_at < ${BEFORE}
   AND NOT EXISTS (SELECT FROM eco.dead_letter_action a
     WHERE a.command_id = d.command_id AND a.body_hash = d.body_hash AND a.at >= ${BEFORE})
 ORDER BY d.first_failed_at LIMIT ${ROWS_MAX})
UNION ALL
(SELECT d.command_id, encode(d.body_hash, 'hex') FROM eco.dead_letter d
 WHERE d.state = 'open' AND d.error_class = 'key-conflict' AND d.first_failed_at < ${BEFORE} LIMIT ${ROWS_MAX})`,
};
const removeDeadLetters: Statement = {
  name: 'remove dead letters',
  text: `SELECT eco.remove_dead_letters($4::uuid[], $5::text[]) ${WHERE_FENCED}`,
};

/** As in the index dead_letter_content. */
const EMPTIED = `'{"emptied":true}'`;
const fullDeadLetters: Statement = {
  name: 'find dead letters to empty',
  text: `
SELECT d.command_id, encode(d.body_hash, 'hex') FROM eco.dead_letter d
WHERE d.state <> 'open' AND d.error_class <> 'forbidden' AND d.command::text <> ${EMPTIED}
  AND d.first_failed_at < ${BEFORE}
  AND NOT EXISTS (SELECT FROM eco.dead_letter_action a
    WHERE a.command_id = d.command_id AND a.body_hash = d.body_hash AND a.at >= ${BEFORE})
ORDER BY d.first_failed_at LIMIT ${ROWS_MAX}`,
};
const emptyDeadLetters: Statement = {
  name: 'empty dead letters',
  text: `
UPDATE eco.dead_letter d SET seq = $3, command = ${EMPTIED}
FROM unnest($4::uuid[], $5::text[]) AS r(id, hash)
${WHERE_FENCED} AND d.command_id = r.id AND d.body_hash = decode(r.hash, 'hex') AND d.state <> 'open'`,
};

/** $2, $3: the key before the page. The page's last row is returned too, as the start of the next page. */
const oldCartItems: Statement = {
  name: 'find old cart items',
  text: `
SELECT p.customer_id, p.product_id, p.is_old FROM (
  SELECT i.customer_id, i.product_id,
    greatest(i.stamp, i.ordered_stamp) < ${STAMP_BEFORE} AND (i.quantity = 0 OR i.stamp <= coalesce(c.cleared_stamp, '')) AS is_old,
    row_number() OVER (ORDER BY i.customer_id DESC, i.product_id DESC) = 1 AS is_last
  FROM (
    SELECT i.customer_id, i.product_id, i.quantity, i.stamp, i.ordered_stamp FROM eco.cart_item i
    WHERE (i.customer_id, i.product_id) > ($2, $3) ORDER BY i.customer_id, i.product_id LIMIT ${PAGE_ROWS}
  ) i LEFT JOIN eco.cart c ON c.customer_id = i.customer_id
) p WHERE p.is_old OR p.is_last ORDER BY p.customer_id, p.product_id`,
};

/** $2: the key before the page. */
const oldCarts: Statement = {
  name: 'find old carts',
  text: `
SELECT p.customer_id, p.is_old FROM (
  SELECT c.customer_id,
    c.cleared_stamp < ${STAMP_BEFORE}
      AND NOT EXISTS (SELECT FROM eco.cart_item i WHERE i.customer_id = c.customer_id) AS is_old,
    row_number() OVER (ORDER BY c.customer_id DESC) = 1 AS is_last
  FROM (
    SELECT c.customer_id, c.cleared_stamp FROM eco.cart c WHERE c.customer_id > $2
    ORDER BY c.customer_id LIMIT ${PAGE_ROWS}
  ) c
) p WHERE p.is_old OR p.is_last ORDER BY p.customer_id`,
};
const removeCarts: Statement = {
  name: 'remove old carts',
  text: `DELETE FROM eco.cart c ${WHERE_FENCED} AND c.customer_id = ANY ($4::text[])`,
};

/** Reads through a table in key order, a page at a time, and pauses after each pass. */
class Walk {
  #after: string[];
  #restsUntilMs = 0;
  readonly #statement: Statement;
  readonly #keyColumns: number;

  constructor(statement: Statement, keyColumns: number) {
    this.#statement = statement;
    this.#keyColumns = keyColumns;
    this.#after = this.#start;
  }

  /** Keys of expired rows. */
  async next(session: WriterSession, keepMs: number, nowMs: number): Promise<Row[]> {
    if (nowMs < this.#restsUntilMs) return [];
    const { rows } = await session.run(this.#statement, [keepMs, ...this.#after]);
    const last = rows.at(-1);
    this.#after = last === undefined ? this.#start : (last.slice(0, this.#keyColumns) as string[]);
    if (last === undefined) this.#restsUntilMs = nowMs + REST_MS;
    return rows.filter((row) => row[this.#keyColumns] === true);
  }

  get #start(): string[] {
    return Array.from({ length: this.#keyColumns }, () => '');
  }
}

export interface RetentionTimes {
  /** Time for which rows that only late commands need are kept, ms. */
  readonly keepMs: number;
  /** Time for which a closed dead letter keeps its content, ms. */
  readonly contentMs: number;
}

export class Retention {
  readonly #items = new Walk(oldCartItems, 2);
  readonly #carts = new Walk(oldCarts, 1);
  #nextAtMs: number;
  readonly #times: RetentionTimes;

  /** In all methods `nowMs` comes from a clock that never runs back. */
  constructor(times: RetentionTimes, nowMs: number) {
    this.#times = times;
    this.#nextAtMs = nowMs + LOOK_EVERY_MS;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#nextAtMs;
  }

  /** Finds the rows to remove now, at most this many per table. No other session changes them while this one leads. */
  async find(session: WriterSession, nowMs: number): Promise<Removal[]> {
    this.#nextAtMs = nowMs + LOOK_EVERY_MS;
    const { keepMs, contentMs } = this.#times;
    const [tombstones, letters, full, items, carts] = await Promise.all(
      session.together(() => [
        session.run(oldTombstones, [keepMs]).then(({ rows }) => rows),
        session.run(oldDeadLetters, [keepMs]).then(({ rows }) => rows),
        session.run(fullDeadLetters, [contentMs]).then(({ rows }) => rows),
        this.#items.next(session, keepMs, nowMs),
        this.#carts.next(session, keepMs, nowMs),
      ]),
    );
    const removals = [
      removalOf(removeTombstones, tombstones, 1),
      removalOf(removeDeadLetters, letters, 2),
      removalOf(emptyDeadLetters, full, 2),
      removalOf(removeCartItems, items, 2),
      removalOf(removeCarts, carts, 1),
    ].flat();
    if (removals.length > 0) this.#nextAtMs = nowMs + NEXT_MS;
    return removals;
  }

  /** A removal failed: nothing is lost by retrying much later. */
  rest(nowMs: number): void {
    this.#nextAtMs = nowMs + REST_MS;
  }
}

/** Without rows there is no statement. */
function removalOf(statement: Statement, rows: readonly Row[] | undefined, keyColumns: number): Removal[] {
  if (rows === undefined || rows.length === 0) return [];
  const column = (index: number) => textsLiteral(rows.map((row) => String(row[index])));
  return [{ statement, values: Array.from({ length: keyColumns }, (_, index) => column(index)) }];
}
