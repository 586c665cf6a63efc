import type { DeadLetterClass, DeadLetterState } from '@eco/domain';
import type { SideConnection } from '@eco/postgres';

export { deadLetterClasses } from '@eco/domain';

/** Selects dead letters: all open ones, or those with all of these properties. */
export interface DeadLetterFilter {
  commandId?: string;
  errorClass?: string;
  place?: string;
  kind?: string;
  sentBy?: string;
}

/** Dead letters with the same failure. */
export interface DeadLetterGroup {
  errorClass: DeadLetterClass;
  place: string;
  count: number;
  firstFailedAt: Date;
  lastFailedAt: Date;
  /** Command id of the oldest dead letter in the group. */
  commandId: string;
  reason: string;
}

export interface KeptDeadLetter {
  commandId: string;
  /** Body hash, hex. It is the key of a dead letter together with the command id. */
  bodyHash: string;
  state: DeadLetterState;
  kind: string | null;
  bucket: number | null;
  errorClass: DeadLetterClass;
  place: string;
  reason: string;
  tries: number;
  firstFailedAt: Date;
  /** Broker user that sent the command. Null: the message named none, or the dead letter is older than this column. */
  sender: string | null;
  /** Id of the account for which the command was sent, as the sender states. */
  actor: string | null;
  sentBy: string | null;
  lastNumber: number;
  /** The command as received. */
  command: unknown;
}

/** An operator's action on a dead letter. */
export interface DeadLetterAction {
  bodyHash: string;
  number: number;
  at: Date;
  action: 'replay' | 'discard';
  operator: string;
  /** Broker user that sent the action. Null: the action is older than this column. */
  sender: string | null;
  result: string;
  reason: string | null;
}

const MATCHES = `
($1::uuid IS NULL OR d.command_id = $1) AND ($2::text IS NULL OR d.error_class = $2)
AND ($3::text IS NULL OR d.place = $3) AND ($4::text IS NULL OR d.kind = $4) AND ($5::text IS NULL OR d.sent_by = $5)`;

function valuesOf({ commandId, errorClass, place, kind, sentBy }: DeadLetterFilter): unknown[] {
  return [commandId, errorClass, place, kind, sentBy].map((value) => value ?? null);
}

const LETTER = `
d.command_id AS "commandId", encode(d.body_hash, 'hex') AS "bodyHash", d.state, d.kind, d.bucket,
d.error_class AS "errorClass", d.place, d.reason, d.tries, d.first_failed_at AS "firstFailedAt", d.sender, d.actor, d.sent_by AS "sentBy",
d.last_number AS "lastNumber", d.command`;

/**
 * Queries for the dead-letter admin, run on a group's primary as eco_operator. A query throws an error if it gets no
 * answer within this time, ms.
 */
const ANSWER_MS = 10_000;

/** Open dead letters, grouped by failure, the largest group first. */
export function readDeadLetterGroups(node: SideConnection, filter: DeadLetterFilter = {}): Promise<DeadLetterGroup[]> {
  return node.ask<Row<DeadLetterGroup>>(
    `
SELECT d.error_class AS "errorClass", d.place, count(*)::int AS count, min(d.first_failed_at) AS "firstFailedAt",
  max(d.first_failed_at) AS "lastFailedAt", (array_agg(d.command_id ORDER BY d.first_failed_at))[1] AS "commandId",
  (array_agg(d.reason ORDER BY d.first_failed_at))[1] AS reason
FROM eco.dead_letter d
WHERE d.state = 'open' AND ${MATCHES}
GROUP BY d.error_class, d.place
ORDER BY count(*) DESC, d.error_class, d.place`,
    valuesOf(filter),
    ANSWER_MS,
  );
}

/** A page of the open dead letters after `after`, in order of age. */
export function readOpenDeadLetters(
  node: SideConnection,
  filter: DeadLetterFilter,
  { after, limit }: { after: KeptDeadLetter | undefined; limit: number },
): Promise<KeptDeadLetter[]> {
  return node.ask<Row<KeptDeadLetter>>(
    `
SELECT ${LETTER}
FROM eco.dead_letter d
WHERE d.state = 'open' AND ${MATCHES}
  AND ($6::timestamptz IS NULL OR (d.first_failed_at, d.command_id, d.body_hash) > ($6, $7::uuid, decode($8, 'hex')))
ORDER BY d.first_failed_at, d.command_id, d.body_hash
LIMIT $9`,
    [
      ...valuesOf(filter),
      after?.firstFailedAt.toISOString() ?? null,
      after?.commandId ?? null,
      after?.bodyHash ?? null,
      limit,
    ],
    ANSWER_MS,
  );
}

/** All dead letters under one command id, open or closed, with the actions on them. */
export async function readDeadLetter(
  node: SideConnection,
  commandId: string,
): Promise<{ letters: KeptDeadLetter[]; actions: DeadLetterAction[] }> {
  const letters = await node.ask<Row<KeptDeadLetter>>(
    `SELECT ${LETTER} FROM eco.dead_letter d WHERE d.command_id = $1 ORDER BY d.first_failed_at, d.body_hash`,
    [commandId],
    ANSWER_MS,
  );
  const actions = await node.ask<Row<DeadLetterAction>>(
    `
SELECT encode(a.body_hash, 'hex') AS "bodyHash", a.number, a.at, a.action, a.operator, a.sender, a.result, a.reason
FROM eco.dead_letter_action a WHERE a.command_id = $1 ORDER BY a.body_hash, a.number`,
    [commandId],
    ANSWER_MS,
  );
  return { letters, actions };
}

/** The results of these dead letters' replays, by number. A replay without a result is absent. */
export function readDeadLetterResults(
  node: SideConnection,
  asked: readonly { commandId: string; bodyHash: string; number: number }[],
): Promise<{ commandId: string; bodyHash: string; action: string; result: string; reason: string | null }[]> {
  return node.ask(
    `
SELECT a.command_id AS "commandId", encode(a.body_hash, 'hex') AS "bodyHash", a.action, a.result, a.reason
FROM unnest($1::uuid[], $2::text[], $3::int[]) AS w(command_id, body_hash, number)
JOIN eco.dead_letter_action a
  ON a.command_id = w.command_id AND a.body_hash = decode(w.body_hash, 'hex') AND a.number = w.number`,
    [asked.map(({ commandId }) => commandId), asked.map(({ bodyHash }) => bodyHash), asked.map(({ number }) => number)],
    ANSWER_MS,
  );
}

/** Buckets that this node's group owns. */
export async function readOwnedBuckets(node: SideConnection): Promise<number[]> {
  const rows = await node.ask<{ bucket: number }>(
    `SELECT b.bucket FROM eco.bucket_ownership b WHERE b.state = 'owned'`,
    [],
    ANSWER_MS,
  );
  return rows.map(({ bucket }) => bucket);
}

/** The results that this node's group has for these commands. An undecided command is absent. */
export function readCommandResults(
  node: SideConnection,
  asked: readonly { commandId: string; bodyHash: string }[],
): Promise<{ commandId: string; bodyHash: string; result: string; reason: string | null }[]> {
  return node.ask(
    `
SELECT w.command_id AS "commandId", w.body_hash AS "bodyHash", d.reason,
  CASE WHEN u.command_id IS NULL THEN 'dead-letter'
    WHEN u.body_hash = decode(w.body_hash, 'hex') THEN u.status ELSE 'key-conflict' END AS result
FROM unnest($1::uuid[], $2::text[]) AS w(command_id, body_hash)
LEFT JOIN eco.outcome u ON u.command_id = w.command_id
LEFT JOIN eco.dead_letter d
  ON d.command_id = w.command_id AND d.body_hash = decode(w.body_hash, 'hex') AND d.state = 'open'
WHERE u.command_id IS NOT NULL OR d.command_id IS NOT NULL`,
    [asked.map(({ commandId }) => commandId), asked.map(({ bodyHash }) => bodyHash)],
    ANSWER_MS,
  );
}

type Row<T> = T & Record<string, unknown>;
