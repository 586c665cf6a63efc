import type { DeadLetter, DeadLetterActionRow, DeadLetterRow } from '@eco/domain';
import { hex, plain, text } from '@eco/postgres';
import { WHERE_FENCED, type Table } from './table.js';

/** The tables of dead letters, as `store.ts` stores them. */

/**
 * Most open key conflicts of one sender. Further ones are dropped until an operator discards some or they expire.
 * Clients determine their number, so it needs a limit. A sender is one of our processes.
 */
export const KEY_CONFLICTS_PER_SENDER_MAX = 1000;

export const deadLetters: Table<DeadLetterRow> = {
  name: 'store dead letters',
  text: `
INSERT INTO eco.dead_letter (seq, first_failed_at,
  command_id, body_hash, kind, bucket, error_class, place, reason, sent_by, command)
SELECT $3, $4::timestamptz,
  l.command_id, l.body_hash, l.kind, l.bucket, l.error_class, l.place, l.reason, l.sent_by, l.command
FROM (
  SELECT l.*, row_number() OVER (PARTITION BY l.error_class, l.sent_by) AS n
  FROM unnest($5::uuid[], $6::bytea[], $7::text[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[],
    $13::json[]) AS l(command_id, body_hash, kind, bucket, error_class, place, reason, sent_by, command)
) l
${WHERE_FENCED} AND CASE WHEN l.error_class <> 'key-conflict' THEN true ELSE
  l.n + (SELECT count(*) FROM (
    SELECT FROM eco.dead_letter k
    WHERE k.state = 'open' AND k.error_class = 'key-conflict' AND k.sent_by = l.sent_by
    LIMIT ${KEY_CONFLICTS_PER_SENDER_MAX}
  ) kept) <= ${KEY_CONFLICTS_PER_SENDER_MAX} END`,
  timed: true,
  columns: [
    plain((row) => row.commandId),
    hex((row) => row.bodyHash),
    plain((row) => row.kind),
    plain((row) => row.bucket),
    plain((row) => row.errorClass),
    text((row) => row.failureSite),
    text((row) => row.reason),
    text((row) => row.sentBy),
    text((row) => JSON.stringify(row.command ?? null)),
  ],
};

export const deadLetterUpdates: Table<DeadLetter> = {
  name: 'store dead letter updates',
  text: `
UPDATE eco.dead_letter d
SET seq = $3, state = l.state, error_class = l.error_class, place = l.place, reason = l.reason, tries = l.tries,
  last_number = l.last_number
FROM unnest($4::uuid[], $5::bytea[], $6::text[], $7::text[], $8::text[], $9::text[], $10::int[], $11::int[])
  AS l(command_id, body_hash, state, error_class, place, reason, tries, last_number)
${WHERE_FENCED} AND d.command_id = l.command_id AND d.body_hash = l.body_hash`,
  columns: [
    plain((row) => row.commandId),
    hex((row) => row.bodyHash),
    plain((row) => row.state),
    plain((row) => row.errorClass),
    text((row) => row.failureSite),
    text((row) => row.reason),
    plain((row) => row.tries),
    plain((row) => row.lastNumber),
  ],
};

export const deadLetterActions: Table<DeadLetterActionRow> = {
  name: 'store dead letter actions',
  text: `
INSERT INTO eco.dead_letter_action (seq, at,
  command_id, body_hash, number, action, operator, result, reason)
SELECT $3, $4::timestamptz, l.*
FROM unnest($5::uuid[], $6::bytea[], $7::int[], $8::text[], $9::text[], $10::text[], $11::text[]) AS l
${WHERE_FENCED}`,
  timed: true,
  columns: [
    plain((row) => row.commandId),
    hex((row) => row.bodyHash),
    plain((row) => row.number),
    plain((row) => row.action),
    text((row) => row.by),
    plain((row) => row.result),
    text((row) => row.reason),
  ],
};
