import type { SideConnection } from '@eco/postgres';

/** A command as one group's rows show it. Times are by the clock of the group. */
export interface DecidedCommand {
  readonly group: string;
  readonly kind: string;
  readonly status: string;
  readonly decidedAt: Date;
  /** The batch that decided it: its leadership and number. */
  readonly term: number;
  readonly tag: string;
  readonly seq: number;
  /** The change that announces it. Null: it changed nothing that others follow. */
  readonly topic: string | null;
  readonly changeType: string | null;
  /** Current status of the order that it made. Null: it made none. */
  readonly orderStatus: string | null;
  /** Batch up to which the statistics have applied the orders of this group. Null: none. */
  readonly statisticsTerm: number | null;
  readonly statisticsSeq: number | null;
}

/** Time limit of the answer, ms. */
const ANSWER_MS = 10_000;

/** What the group decided about the command, on any node. Undefined: it has decided nothing, as far as the node shows. */
export async function readDecidedCommand(node: SideConnection, commandId: string): Promise<DecidedCommand | undefined> {
  const [row] = await node.ask<{ [Field in keyof DecidedCommand]: DecidedCommand[Field] }>(
    `
SELECT s.group_id AS "group", u.kind, u.status, u.decided_at AS "decidedAt", t.term::int, t.tag, u.seq::float8 AS seq,
  u.topic, u.change_type AS "changeType", o.status AS "orderStatus",
  p.term::int AS "statisticsTerm", p.seq::float8 AS "statisticsSeq"
FROM eco.outcome_full u
CROSS JOIN eco.group_state s
CROSS JOIN LATERAL (
  SELECT g.term, g.tag FROM eco.group_term g WHERE g.first_seq <= u.seq ORDER BY g.first_seq DESC, g.term DESC LIMIT 1
) t
LEFT JOIN eco.orders o ON o.order_id = u.command_id
LEFT JOIN statistics.progress p
  ON p.consumer = 'statistics' AND p.group_id = s.group_id AND p.topic = 'orders'
WHERE u.command_id = $1`,
    [commandId],
    ANSWER_MS,
  );
  return row;
}
