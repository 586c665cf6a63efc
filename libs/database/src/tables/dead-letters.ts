import type { CommandKind } from '@eco/contracts';
import { rowLists, type DeadLetterActionRow, type DeadLetterClass, type DeadLetterState } from '@eco/domain';
import { bytea, integer, json, nullable, smallint, text, uuid, word } from './columns.js';
import { loadBy } from './load.js';
import { insertInto, updateOf, WHERE_FENCED, type Pieces } from './store.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

/**
 * Most open dead letters of one broker user in each of these classes. Their senders determine their number, so there
 * must be a limit. A metric counts the others, which are not stored, until an operator discards some or some expire.
 */
export const LETTERS_PER_SENDER_MAX = 1000;
const LIMITED = `('key-conflict', 'forbidden')`;

const letterTable = defineTable({
  name: 'eco.dead_letter',
  rows: 'dead_letters',
  insertedAt: 'first_failed_at',
  columns: {
    commandId: uuid('command_id'),
    bodyHash: bytea('body_hash'),
    kind: nullable(word<CommandKind>('kind')),
    bucket: nullable(smallint('bucket')),
    errorClass: word<DeadLetterClass>('error_class'),
    failureSite: text('place'),
    reason: text('reason'),
    sender: nullable(text('sender')),
    actor: nullable(text('actor')),
    sentBy: nullable(text('sent_by')),
    command: json('command'),
    state: word<DeadLetterState>('state'),
    tries: integer('tries'),
    lastNumber: integer('last_number'),
  },
});

/** Actions have no bucket column: the bucket is that of the dead letter. */
const actionTable = defineTable({
  name: 'eco.dead_letter_action',
  rows: 'dead_letter_actions',
  insertedAt: 'at',
  columns: {
    commandId: uuid('command_id'),
    bodyHash: bytea('body_hash'),
    number: integer('number'),
    action: word<DeadLetterActionRow['action']>('action'),
    by: text('operator'),
    result: word<DeadLetterActionRow['result']>('result'),
    reason: nullable(text('reason')),
    sender: nullable(text('sender')),
  },
});

export const deadLetters: TablesOf<'deadLetters'> = {
  tables: [letterTable, actionTable],
  stores: {
    deadLetters: insertInto('store dead letters', letterTable, rowLists.deadLetters, {
      fields: [
        'commandId',
        'bodyHash',
        'kind',
        'bucket',
        'errorClass',
        'failureSite',
        'reason',
        'sender',
        'actor',
        'sentBy',
        'command',
      ],
      text: insertUpToTheLimit,
    }),
    deadLetterUpdates: updateOf('store dead letter updates', letterTable, rowLists.deadLetterUpdates, {
      fields: [
        'commandId',
        'bodyHash',
        'state',
        'errorClass',
        'failureSite',
        'reason',
        'sender',
        'tries',
        'lastNumber',
      ],
    }),
    deadLetterActions: insertInto('store dead letter actions', actionTable, rowLists.deadLetterActions),
  },
  load: loadBy(
    'load dead letters',
    letterTable,
    'commandId',
    'commandIds',
    [
      'commandId',
      'bodyHash',
      'state',
      'kind',
      'bucket',
      'errorClass',
      'failureSite',
      'reason',
      'sender',
      'actor',
      'tries',
      'lastNumber',
    ],
    (letter, state) => {
      const letters = state.deadLetters.get(letter.commandId);
      if (letters === undefined) state.deadLetters.set(letter.commandId, [letter]);
      else letters.push(letter);
    },
  ),
};

function insertUpToTheLimit({ names, rows }: Pieces): string {
  return `
INSERT INTO ${letterTable.name} (seq, ${letterTable.insertedAt}, ${names.join(', ')})
SELECT $3, $4::timestamptz, ${names.map((name) => `r.${name}`).join(', ')}
FROM (
  SELECT r.*, row_number() OVER (PARTITION BY r.error_class, r.sender) AS n
  FROM ${rows} AS r(${names.join(', ')})
) r
${WHERE_FENCED} AND CASE WHEN r.error_class NOT IN ${LIMITED} THEN true ELSE
  r.n + (SELECT count(*) FROM (
    SELECT FROM ${letterTable.name} k
    WHERE k.state = 'open' AND k.error_class IN ${LIMITED} AND k.error_class = r.error_class
      AND coalesce(k.sender, '') = coalesce(r.sender, '')
    LIMIT ${LETTERS_PER_SENDER_MAX}
  ) kept) <= ${LETTERS_PER_SENDER_MAX} END`;
}
