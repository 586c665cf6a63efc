import type { OutcomeStatus } from '@eco/contracts';
import { formatPosition, NO_POSITION, positionOf } from '@eco/routing';
import { query } from './query.js';
import type { Reads } from './reads.js';

/**
 * Certain knowledge about a command, from one snapshot. `never`: the group's clock is past the command's `notAfter` and
 * nothing was decided, so it will never be done: any later batch finds it expired. `open`: it may still be decided, or
 * this is unknown.
 */
export type CommandStatus =
  | {
      readonly type: 'outcome';
      readonly bodyHash: string;
      readonly status: OutcomeStatus;
      readonly result: Record<string, unknown>;
      readonly position: string;
    }
  | { readonly type: 'dead-letter'; readonly reason: string; readonly position: string }
  | { readonly type: 'never' }
  | { readonly type: 'open' };

interface StatusRow {
  body_hash: string;
  status: OutcomeStatus;
  result: Record<string, unknown> | null;
}
interface Extra {
  past: boolean;
  dead_letter: string | null;
}

/**
 * $1 command id, $2 its notAfter, $3 its body hash. A dead letter of another body under the id is not this command's. A
 * forbidden one is not this command's either, because any user may have sent it. An unreadable command is stored under
 * the hash of its content, so its body can't be compared.
 */
const commandStatusQuery = query<StatusRow, Extra>({
  name: 'command-status',
  rows: `
    SELECT encode(u.body_hash, 'hex') AS body_hash, u.status, u.result
    FROM eco.outcome_full u WHERE u.command_id = $1`,
  extra: `
    s.at > $2::timestamptz AS past,
    (SELECT d.reason FROM eco.dead_letter d
     WHERE d.command_id = $1 AND d.state = 'open' AND d.error_class <> 'forbidden'
       AND (d.body_hash = decode($3, 'hex') OR d.error_class IN ('invalid', 'unreadable')) LIMIT 1) AS dead_letter`,
});

/** A command that was sent, as its sender knows it. */
export interface AskedCommand {
  /** The customer or product that the command is routed by. */
  readonly key: string;
  readonly commandId: string;
  readonly notAfter: string;
  readonly bodyHash: string;
}

/** Any node may answer, because the outcome and the group's clock are from one snapshot. */
export async function readCommandStatus(
  reads: Pick<Reads, 'ofKey'>,
  { key, commandId, notAfter, bodyHash }: AskedCommand,
): Promise<CommandStatus> {
  const reader = { position: NO_POSITION, waitMs: 0 };
  const read = await reads.ofKey(key, commandStatusQuery, [commandId, notAfter, bodyHash], reader);
  if (read.type !== 'answer') return { type: 'open' };
  const { rows, extra, source } = read;
  const position = source.position === undefined ? '' : formatPosition(positionOf([source.position]));
  const [row] = rows;
  if (row !== undefined) {
    return { type: 'outcome', bodyHash: row.body_hash, status: row.status, result: row.result ?? {}, position };
  }
  if (extra.dead_letter !== null) return { type: 'dead-letter', reason: extra.dead_letter, position };
  return { type: extra.past ? 'never' : 'open' };
}
