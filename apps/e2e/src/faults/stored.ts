import { brokenChecks, verifyGroup } from '@eco/database';
import { ReadSession, type Statement } from '@eco/postgres';
import { checkHistory, eventually, historyErrorTexts, type Asked, type Found } from '@eco/testing';
import { badTokenIn, DEAD_LETTER_ROW } from './raw-publisher.js';
import type { FaultLoad } from './fault-load.js';
import { movementRow, orderRow, outcomeRow, receiptToken, type Line } from './requests.js';
import type { FaultSystem } from './fault-system.js';

/*
 * The primary's rows, each with the token of its request. The token is in the row's content. If it is not, the id of
 * the row's command identifies the request.
 */

export interface Checked {
  /** A sentence for each error; empty: all is well. */
  readonly faults: readonly string[];
  readonly requests: number;
  readonly rows: number;
  readonly checks: number;
}

const LANDED = { deadlineMs: 180_000, pauseMs: 500 };

/**
 * Waits until everything acknowledged by now is stored, then compares the whole history with the rows, and checks R2 to
 * R4. The load continues: requests acknowledged meanwhile count as unknown, and are checked next time.
 */
export async function checkStored(system: FaultSystem, load: FaultLoad): Promise<Checked> {
  const promised = load.asked.filter(({ known }) => known === 'acknowledged');
  const tokens = new Set(promised.map(({ token }) => token));
  const found = await eventually(
    'all that was acknowledged is there',
    async () => {
      const rows = await readFound(system, load);
      const { lost, torn } = checkHistory(promised, rows);
      const [first] = [...lost, ...torn];
      if (first !== undefined)
        throw new Error(`${lost.length + torn.length} rows are missing, ${first.token}: ${first.row}`);
      return rows;
    },
    LANDED,
  ).catch(() => readFound(system, load));
  const asked = load.asked.map((each): Asked =>
    each.known === 'acknowledged' && !tokens.has(each.token) ? { ...each, known: 'unknown' } : each,
  );
  const report = await verifyGroup(await system.primary(), system.login('eco_operator'));
  const broken = brokenChecks(report).map(
    ({ rule, name, says, offences, first }) => `${rule} ${name}: ${offences} times: ${says} ${JSON.stringify(first)}`,
  );
  return {
    faults: [...historyErrorTexts(checkHistory(asked, found)), ...broken],
    requests: asked.length,
    rows: found.length,
    checks: report.checks.length,
  };
}

/** Kinds of what the load does not record: products, and what tills and a branch send by themselves. */
const UNRECORDED = [
  ...['product.create', 'transfer.send', 'transfer.receive', 'quota.fetch', 'quota.accept'],
  ...['branch.report', 'sale.record', 'shift.close'],
];

// All rows come from one statement, so from one snapshot. An expired command leaves only its outcome, because it had no
// effect.
const ROWS: Statement = {
  name: 'faults_rows',
  text: `
SELECT 'order' AS what, o.order_id AS id, o.customer_id AS name, o.status AS said, o.lines, 0::float8 AS quantity
FROM eco.orders o
UNION ALL
SELECT 'outcome', u.command_id, u.kind, u.status, NULL, 0
FROM eco.outcome u WHERE u.status <> 'expired' AND u.kind <> ALL ($1)
UNION ALL
SELECT 'movement', m.command_id, m.product_id, m.movement, NULL, m.on_hand_delta + m.reserved_delta
FROM eco.movement m
WHERE NOT EXISTS (SELECT FROM eco.outcome u WHERE u.command_id = m.command_id AND u.kind = ANY ($1))
UNION ALL
SELECT 'dead letter', d.command_id, d.command::text, d.reason, NULL, 0
FROM eco.dead_letter d`,
};

interface Row {
  readonly what: 'order' | 'outcome' | 'movement' | 'dead letter';
  readonly id: string;
  readonly name: string;
  readonly said: string;
  readonly lines: Line[];
  readonly quantity: number;
}

async function readFound(system: FaultSystem, load: FaultLoad): Promise<Found[]> {
  const { host, port } = await system.primary();
  const session = await ReadSession.open({
    ...{ host, port, ...system.login('eco_operator'), applicationName: 'eco faults' },
    ...{ connectTimeoutMs: 10_000, queryTimeoutMs: 60_000 },
  });
  try {
    const rows = await session.query<Row>(ROWS, [UNRECORDED]);
    const tokens = new Map(load.tokens);
    for (const { what, id, name } of rows) if (what === 'order') tokens.set(id, name);
    return rows.map((row) => foundOf(row, tokens.get(row.id) ?? `command ${row.id}`));
  } finally {
    session.close();
  }
}

function foundOf({ what, name, said, lines, quantity }: Row, token: string): Found {
  switch (what) {
    case 'order':
      return { token, row: orderRow(said, lines) };
    case 'outcome':
      return { token, row: outcomeRow(name, said) };
    case 'movement':
      return { token: said === 'received' ? receiptToken(quantity) : token, row: movementRow(said, name, quantity) };
    case 'dead letter': {
      const bad = badTokenIn(name);
      return bad === undefined ? { token, row: `${DEAD_LETTER_ROW}: ${said}` } : { token: bad, row: DEAD_LETTER_ROW };
    }
  }
}
