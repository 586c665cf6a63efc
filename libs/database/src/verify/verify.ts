import { Client, DatabaseError } from 'pg';
import type { Address, Login } from '@eco/base';
import { DATABASE_NAME, serverAt, settingsOption, SQLSTATE } from '@eco/postgres';
import type { Check } from './check.js';
import { checks, OWNED } from './checks.js';

export interface CheckResult extends Omit<Check, 'sql'> {
  /** Number of rows that break the rule; 0: the rule holds. */
  offences: number;
  /** The first few of these rows. */
  first: Record<string, unknown>[];
}

export interface VerifyReport {
  group: string;
  /** Position of the snapshot that everything was read in. */
  position: { term: number; tag: string; seq: number };
  at: string;
  counts: Record<
    | 'outcomes'
    | 'orders'
    | 'confirmed'
    | 'rejected'
    | 'cancelled'
    | 'fulfilled'
    | 'reservations'
    | 'held'
    | 'inTransit'
    | 'movements'
    | 'products'
    | 'customers'
    | 'deadLettersOpen',
    number
  >;
  checks: CheckResult[];
}

const FIRST = 10;

/** Time limit of all checks, ms. They share one snapshot, behind which dead row versions accumulate. */
const LIMIT_MS = 600_000;

/**
 * Checks R2, R3 and R4 in a group's data, in one snapshot of one node, primary or replica, while the system runs.
 * `login`: the login of eco_operator. Throws if the node can't be read within the limit. A broken rule is in the report
 * and throws nothing.
 */
export async function verifyGroup(
  node: Address,
  login: Login,
  { limitMs = LIMIT_MS }: { limitMs?: number } = {},
): Promise<VerifyReport> {
  const startedMs = performance.now();
  const client = new Client({
    ...serverAt(node),
    ...login,
    database: DATABASE_NAME,
    application_name: 'eco verify',
    connectionTimeoutMillis: 5000,
    // Each check joins whole tables, so it gets more memory.
    options: settingsOption({ idle_in_transaction_session_timeout: '60s', work_mem: '64MB' }),
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const limit = async () => {
      const leftMs = Math.ceil(limitMs - (performance.now() - startedMs));
      if (leftMs <= 0) throw new Error(`the checks take longer than ${limitMs / 1000} s`);
      await client.query(`SET LOCAL statement_timeout = ${leftMs}`);
    };
    await limit();
    const summary = await summarize(client);
    const results: CheckResult[] = [];
    for (const { sql, ...check } of checks) {
      await limit();
      const { rows } = await client.query<{ offences: string; first: Record<string, unknown>[] | null }>(
        `${OWNED},
offence AS MATERIALIZED (${sql})
SELECT (SELECT count(*) FROM offence) AS offences,
  (SELECT jsonb_agg(f) FROM (SELECT * FROM offence LIMIT ${FIRST}) f) AS first`,
      );
      results.push({ ...check, offences: Number(rows[0]?.offences), first: rows[0]?.first ?? [] });
    }
    await client.query('COMMIT');
    return { ...summary, checks: results };
  } catch (error) {
    const isLate = error instanceof DatabaseError && error.code === SQLSTATE.queryCanceled;
    throw isLate ? new Error(`the checks take longer than ${limitMs / 1000} s`, { cause: error }) : error;
  } finally {
    await client.end();
  }
}

async function summarize(client: Client): Promise<Omit<VerifyReport, 'checks'>> {
  const { rows } = await client.query<Record<string, string> & { at: Date }>(`
${OWNED}
SELECT s.group_id, s.term, s.tag, s.seq, s.at,
  (SELECT count(*) FROM outcomes) AS "outcomes",
  (SELECT count(*) FROM orders) AS "orders",
  (SELECT count(*) FROM orders o WHERE o.status = 'confirmed') AS "confirmed",
  (SELECT count(*) FROM orders o WHERE o.status = 'rejected') AS "rejected",
  (SELECT count(*) FROM orders o WHERE o.status = 'cancelled') AS "cancelled",
  (SELECT count(*) FROM orders o WHERE o.status = 'fulfilled') AS "fulfilled",
  (SELECT count(*) FROM reservations) AS "reservations",
  (SELECT count(*) FROM reservations r WHERE r.status = 'held') AS "held",
  (SELECT count(*) FROM transfers t WHERE t.status = 'in-transit') AS "inTransit",
  (SELECT count(*) FROM movements) AS "movements",
  (SELECT count(*) FROM products p WHERE NOT p.deleted) AS "products",
  (SELECT count(*) FROM customers) AS "customers",
  (SELECT count(*) FROM eco.dead_letter d WHERE d.state = 'open' AND d.error_class <> 'key-conflict')
    AS "deadLettersOpen"
FROM eco.group_state s`);
  const row = rows[0];
  if (row === undefined)
    throw new Error(`the database of ${client.host}:${client.port} has not been prepared for a group`);
  const { group_id: group, term, tag, seq, at, ...counts } = row;
  return {
    group: group as string,
    position: { term: Number(term), tag: tag as string, seq: Number(seq) },
    at: at.toISOString(),
    counts: Object.fromEntries(
      Object.entries(counts).map(([name, count]) => [name, Number(count)]),
    ) as VerifyReport['counts'],
  };
}

/** The checks that found at least one row. */
export function brokenChecks({ checks: results }: VerifyReport): CheckResult[] {
  return results.filter(({ offences }) => offences > 0);
}
