import type { Password } from '@eco/base';
import { PRIMARY_TIMELINE } from '@eco/postgres';
import { z } from 'zod';
import { askAsSuperuser } from '../failover.js';
import type { DatabaseNode } from '../layout.js';
import { until } from '../until.js';
import { validNodes, type CountingRule } from './decide.js';

/*
 * Which replicas count while another one is away (ADR 0090). The rule is a row on the primary, so it reaches every
 * replica in the log itself. The row is never wider than the truth: the setting shrinks before the row is written, and
 * the row is removed before the setting widens.
 */

/** Name of the rule's row in `eco.setting`. */
const ROW = 'counting-nodes';

const EFFECTIVE_MS = 10_000;
/** A rule's row is replicated like any other. */
const REPLICATED_MS = 5_000;

const ruleSchema = z.object({ timeline: z.int(), nodes: z.array(z.string()) });

/** The rule that a node has replayed; undefined: there is none. */
export async function readRule(node: DatabaseNode, password: Password): Promise<CountingRule | undefined> {
  const [row] = await askAsSuperuser<{ value: string }>(
    node,
    password,
    `SELECT s.value FROM eco.setting s WHERE s.name = '${ROW}'`,
  );
  return row && ruleSchema.parse(JSON.parse(row.value));
}

/** The replicas that alone count, by a rule that a detached replica has replayed. Undefined: all count. */
export async function countingNodes(replica: DatabaseNode, password: Password): Promise<readonly string[] | undefined> {
  const rule = await readRule(replica, password);
  if (rule === undefined) return undefined;
  // A replica does not say on which timeline it replays. The names of its log files do: a later one has its history.
  const [row] = await askAsSuperuser<{ timeline: number }>(
    replica,
    password,
    `SELECT max(('x' || substr(f.name, 1, 8))::bit(32)::integer) AS timeline
     FROM pg_ls_waldir() f WHERE f.name ~ '^[0-9A-F]{8}'`,
  );
  return row && validNodes(rule, row.timeline);
}

/** From now on only these replicas count. The others must be away. */
export async function shrinkTo(
  primary: DatabaseNode,
  nodes: readonly string[],
  away: readonly string[],
  password: Password,
): Promise<void> {
  const names = namesSetting(nodes);
  await askAsSuperuser(primary, password, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await askAsSuperuser(primary, password, 'SELECT pg_reload_conf()');
  // A new session has the server's settings, and so has a new process that sends log.
  const isEffective = async () => {
    const [row] = await askAsSuperuser<{ names: string; away: number }>(
      primary,
      password,
      `SELECT current_setting('synchronous_standby_names') AS names,
              (SELECT count(*)::int FROM pg_stat_replication r WHERE r.application_name = ANY ($1)) AS away`,
      [away],
    );
    return row?.names === names && row.away === 0;
  };
  try {
    await until(`${away.join(', ')} did not stay away`, isEffective, { deadlineMs: EFFECTIVE_MS });
  } catch (error) {
    await resetNames(primary, password);
    throw error;
  }
  await askAsSuperuser(
    primary,
    password,
    `INSERT INTO eco.setting (name, value)
     SELECT '${ROW}', jsonb_build_object('timeline', ${PRIMARY_TIMELINE}, 'nodes', $1::text[])::text
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [nodes],
    REPLICATED_MS,
  );
}

/** All replicas count again. */
export async function widen(primary: DatabaseNode, password: Password): Promise<void> {
  await askAsSuperuser(primary, password, `DELETE FROM eco.setting WHERE name = '${ROW}'`, [], REPLICATED_MS);
  await resetNames(primary, password);
}

async function resetNames(primary: DatabaseNode, password: Password): Promise<void> {
  await askAsSuperuser(primary, password, 'ALTER SYSTEM RESET synchronous_standby_names');
  await askAsSuperuser(primary, password, 'SELECT pg_reload_conf()');
}

function namesSetting(nodes: readonly string[]): string {
  return `ANY 1 (${nodes.map((name) => `"${name}"`).join(', ')})`;
}
