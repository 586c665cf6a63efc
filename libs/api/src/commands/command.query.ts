import { query } from '@eco/reads';
import { owned } from '../owned.js';

export interface OutcomeRow {
  kind: string;
  status: 'done' | 'refused' | 'expired' | 'discarded';
  result: Record<string, unknown> | null;
  decided_at: Date;
  /** The account that requested the command. Null: it is unknown, or the client had no token. */
  actor: string | null;
  /** The broker user that sent it. Null: it is unknown. */
  sender: string | null;
}

export interface CommandDeadLetter {
  /** Null: the command has an outcome, or no dead letter of it is open. */
  dead_letter: { reason: string; since: string; actor: string | null; sender: string | null } | null;
  /** Number of other bodies that arrived under the id. */
  key_conflicts: number;
}

/** $1 command id. Uses the primary keys of outcome, orders and dead_letter. */
export const commandQuery = query<OutcomeRow, CommandDeadLetter>({
  name: 'command',
  rows: `
    SELECT u.kind, u.status, u.result, u.decided_at, u.actor, u.sender
    FROM eco.outcome_full u WHERE u.command_id = $1 AND ${owned('u')}`,
  extra: `
    CASE WHEN r.found IS NULL THEN (
      SELECT jsonb_build_object('reason', d.reason, 'actor', d.actor, 'sender', d.sender,
        'since', to_char(d.first_failed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      FROM eco.dead_letter d WHERE d.command_id = $1 AND d.state = 'open' AND d.error_class <> 'forbidden'
      ORDER BY d.first_failed_at LIMIT 1
    ) END AS dead_letter,
    (SELECT count(*)::int FROM eco.dead_letter d
     WHERE d.command_id = $1 AND d.error_class = 'key-conflict') AS key_conflicts`,
});
