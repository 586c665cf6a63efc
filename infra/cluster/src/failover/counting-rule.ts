import type { Password } from '@eco/base';
import { PRIMARY_TIMELINE } from '@eco/postgres';
import { z } from 'zod';
import { asSuperuser, type Superuser } from '../failover.js';
import type { Say } from '../steps.js';
import { until } from '../until.js';
import { ruleChange, validNodes, type CountingRule } from './decide.js';

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

interface CountingOptions {
  /** All nodes of the group. */
  readonly names: readonly string[];
  /** Time without a replica after which only the others count, ms. */
  readonly limitMs: number;
  /** The superuser's. */
  readonly password: Password;
  readonly say: Say;
}

/** Shrinks and widens the replicas that count under the present primary. */
export class CountingReplicas {
  readonly #options: CountingOptions;
  readonly #streamedAt = new Map<string, number>();
  /** `unknown` until it was read from the present primary. */
  #rule: CountingRule | 'unknown' | undefined = 'unknown';

  constructor(options: CountingOptions) {
    this.#options = options;
  }

  /** True: only some of the replicas count. */
  get areShrunk(): boolean {
    return typeof this.#rule === 'object';
  }

  /** Another node has become the primary. */
  forget(): void {
    this.#rule = 'unknown';
    this.#streamedAt.clear();
  }

  /** Call it at each look at the primary. `streamsTo`: the replicas that stream from it. */
  async care(primary: Superuser, timeline: number, streamsTo: readonly string[]): Promise<void> {
    const { names, limitMs, password, say } = this.#options;
    const now = performance.now();
    const awayMs = new Map<string, number>();
    for (const name of names.filter((each) => each !== primary.node.name)) {
      if (streamsTo.includes(name) || !this.#streamedAt.has(name)) this.#streamedAt.set(name, now);
      awayMs.set(name, streamsTo.includes(name) ? 0 : Math.max(1, now - (this.#streamedAt.get(name) ?? now)));
    }
    if (this.#rule === 'unknown') this.#rule = await readRule(primary);
    const change = ruleChange({ awayMs, rule: this.#rule, timeline, limitMs });
    if (change === undefined) return;
    this.#rule = 'unknown';
    // What waits for a replica has a session of its own, so that other statements do not wait behind it.
    const changing = (work: (at: Superuser) => Promise<void>) => asSuperuser(primary.node, password, work);
    if (change.type === 'widen') {
      await changing(widen);
      say('every replica counts for a confirmed decision again');
      return;
    }
    await changing((at) => shrinkTo(at, change.nodes, change.away, password));
    const [nodes, away] = [change.nodes.join(', '), change.away.join(', ')];
    say(
      `${away} is away: only ${nodes} counts for a confirmed decision now; if ${primary.node.name} and ${nodes} are lost together, decisions are lost`,
    );
  }
}

/** The rule that a node has replayed; undefined: there is none. */
async function readRule(at: Superuser): Promise<CountingRule | undefined> {
  const [row] = await at.ask<{ value: string }>(`SELECT s.value FROM eco.setting s WHERE s.name = '${ROW}'`);
  return row && ruleSchema.parse(JSON.parse(row.value));
}

/** The replicas that alone count, by a rule that a detached replica has replayed. Undefined: all count. */
export async function countingNodes(replica: Superuser): Promise<readonly string[] | undefined> {
  const rule = await readRule(replica);
  if (rule === undefined) return undefined;
  // A replica does not say on which timeline it replays. The names of its log files do: a later one has its history.
  const [row] = await replica.ask<{ timeline: number }>(
    `SELECT max(('x' || substr(f.name, 1, 8))::bit(32)::integer) AS timeline
     FROM pg_ls_waldir() f WHERE f.name ~ '^[0-9A-F]{8}'`,
  );
  return row && validNodes(rule, row.timeline);
}

/** From now on only these replicas count. The others must be away. */
async function shrinkTo(
  primary: Superuser,
  nodes: readonly string[],
  away: readonly string[],
  password: Password,
): Promise<void> {
  const names = namesSetting(nodes);
  await primary.alterSystem(`SET synchronous_standby_names = '${names}'`);
  // A new session has the server's settings, and so has a new process that sends log.
  const isEffective = () =>
    asSuperuser(primary.node, password, async (at) => {
      const [row] = await at.ask<{ names: string; away: number }>(
        `SELECT current_setting('synchronous_standby_names') AS names,
                (SELECT count(*)::int FROM pg_stat_replication r WHERE r.application_name = ANY ($1)) AS away`,
        [away],
      );
      return row?.names === names && row.away === 0;
    });
  try {
    await until(`${away.join(', ')} did not stay away`, isEffective, { deadlineMs: EFFECTIVE_MS });
  } catch (error) {
    await resetNames(primary);
    throw error;
  }
  await primary.ask(
    `INSERT INTO eco.setting (name, value)
     SELECT '${ROW}', jsonb_build_object('timeline', ${PRIMARY_TIMELINE}, 'nodes', $1::text[])::text
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [nodes],
    REPLICATED_MS,
  );
}

/** All replicas count again. */
async function widen(primary: Superuser): Promise<void> {
  await primary.ask(`DELETE FROM eco.setting WHERE name = '${ROW}'`, [], REPLICATED_MS);
  await resetNames(primary);
}

/** Every node counts, as the settings file says. */
export function resetNames(primary: Superuser): Promise<void> {
  return primary.alterSystem('RESET synchronous_standby_names');
}

function namesSetting(nodes: readonly string[]): string {
  return `ANY 1 (${nodes.map((name) => `"${name}"`).join(', ')})`;
}
