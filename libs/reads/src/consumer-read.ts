import { pauseAfter, sleep } from '@eco/base';
import { lastCompleteSeq, type Topic } from '@eco/contracts';
import { NO_POSITION, positionOf, type GroupPosition, type Position } from '@eco/routing';
import type { ReadFailure, ReadOptions } from './answer.js';
import { WHOLE_BATCH } from './changes/changes.query.js';
import { query, type Query } from './query.js';
import type { Reads } from './reads.js';

/*
 * Reads from the schema of an event consumer. The data reflects the changes that the consumer has applied, as its
 * progress rows state per topic and group, and not the node's group_state.
 *
 * Progress moves only with a change of the consumer's topics. If the batches after it have no such change, the consumer
 * looks behind but covers a later position too.
 *
 * The lag of an answer is the age of the oldest change that it does not contain: the group's first change after the
 * progress, by the group's clock. So a stopped consumer shows in the lag, however fresh the answering node is.
 */

/** One progress row of a consumer: it has applied a topic up to batch `seq`, or up to change `n` of it. */
interface ConsumerProgress extends GroupPosition {
  readonly topic: string;
  /** Null: the whole batch. */
  readonly n: number | null;
}

/** Extra columns of a query on a consumer's schema: `extra: progressOf(…)`. */
export interface WithProgress {
  progress: ConsumerProgress[];
}

export const progressOf = (schema: string, consumer: string): string => `
  (SELECT coalesce(jsonb_agg(jsonb_build_object(
     'group', p.group_id, 'topic', p.topic, 'term', p.term, 'tag', p.tag, 'seq', p.seq, 'n', p.n)), '[]')
   FROM ${schema}.progress p WHERE p.consumer = '${consumer}') AS progress`;

/** $1 topic, $2 batch: the last batch up to it that changed something in the topic; null: none did. */
export const lastChangeQuery = query<never, { seq: number | null }>({
  name: 'last-change',
  rows: 'SELECT WHERE false',
  extra: `
    greatest(
      (SELECT max(m.seq) FROM eco.movement_row m WHERE $1 = 'stock' AND m.seq <= $2),
      (SELECT max(u.seq) FROM eco.outcome_row u WHERE u.topic = $1 AND u.seq <= $2),
      (SELECT max(o.decided_seq) FROM eco.orders o WHERE $1 = 'orders' AND o.decided_seq <= $2))::float8 AS seq`,
});

/**
 * $1 topics, $2 and $3 the (seq, n) up to which each has been applied, $4 and $5 the leadership of each. Uses the
 * indexes outcome_changes, orders_changes and movement_changes, one row per topic.
 */
export const notAppliedQuery = query<never, { oldest_at_ms: number | null; all_known: boolean }>({
  name: 'not-applied',
  rows: 'SELECT WHERE false',
  extra: `
    (SELECT (extract(epoch FROM min(c.at)) * 1000)::float8
     FROM unnest($1::text[], $2::bigint[], $3::integer[]) AS p (topic, seq, n)
     CROSS JOIN LATERAL (
       (SELECT m.at FROM eco.movement_row m WHERE p.topic = 'stock' AND (m.seq, m.n) > (p.seq, p.n)
        ORDER BY m.seq, m.n LIMIT 1)
       UNION ALL
       (SELECT u.decided_at FROM eco.outcome_row u WHERE u.topic = p.topic AND (u.seq, u.n) > (p.seq, p.n)
        ORDER BY u.seq, u.n LIMIT 1)
       UNION ALL
       (SELECT o.decided_at FROM eco.orders o
        WHERE p.topic = 'orders' AND (o.decided_seq, o.n) > (p.seq, p.n) AND o.decided_seq IS NOT NULL
        ORDER BY o.decided_seq, o.n LIMIT 1)
     ) c) AS oldest_at_ms,
    NOT EXISTS (
      SELECT FROM unnest($2::bigint[], $4::bigint[], $5::text[]) AS p (seq, term, tag)
      JOIN eco.group_term t ON t.term >= p.term AND (t.term, t.tag) <> (p.term, p.tag) AND t.first_seq <= p.seq
    ) AS all_known`,
});

const PAUSE_MS = 50;

/** A consumer's rows, and the progress that they reflect, from one snapshot of one node. */
export interface ConsumerRows<T> {
  readonly type: 'rows';
  readonly rows: T;
  readonly progress: readonly ConsumerProgress[];
  readonly node: string;
  readonly role: 'primary' | 'replica';
}

export interface ConsumerAnswer<T> extends Omit<ConsumerRows<T>, 'type' | 'progress'> {
  readonly type: 'answer';
  /** Position of the answer, merged with the position that the reader sent. */
  readonly position: Position;
  /** Age of the oldest change that the answer does not contain, ms. Undefined: unknown. */
  readonly lagMs: number | undefined;
}

/**
 * Reads a consumer's rows, and repeats this until they are as fresh as the reader requires.
 *
 * `read` is one of two ways. Rows that every process may read, such as statistics, are granted to `eco_reader` and come
 * from replicas (`onReplicas`): a branch can serve them, and the primary is spared. Rows with personal data are visible
 * only to the consumer's own role, so they come from its store.
 */
export async function readConsumer<T>(
  reads: Reads,
  topics: readonly Topic[],
  read: () => Promise<ConsumerRows<T> | ReadFailure>,
  options: ReadOptions,
): Promise<ConsumerAnswer<T> | ReadFailure> {
  const startedMs = performance.now();
  const endMs = startedMs + Math.max(reads.freshWaitMs, options.waitMs);
  for (;;) {
    const found = await read();
    if (found.type !== 'rows') return found;
    const { rows, progress, node, role } = found;
    const freshness = await freshnessOf(reads, topics, progress, options);
    if (freshness.type === 'fresh') return { ...freshness, type: 'answer', rows, node, role };
    if (freshness.type !== 'not-fresh' || performance.now() >= endMs) return freshness;
    await sleep(pauseAfter(performance.now() - startedMs, PAUSE_MS));
  }
}

/** Reads as `eco_reader`, on any node of the group that keeps the consumers' schemas. */
export async function onReplicas<Row, Extra extends WithProgress>(
  reads: Reads,
  asked: Query<Row, Extra>,
  values: readonly unknown[],
  { lagMsMax, waitMs }: ReadOptions,
): Promise<ConsumerRows<{ rows: Row[]; extra: Extra }> | ReadFailure> {
  const [home = ''] = reads.groupIds;
  const found = await reads.ofGroup(home, asked, values, { position: NO_POSITION, lagMsMax, waitMs });
  if (found.type !== 'answer') return found;
  const { rows, extra, source } = found;
  return { type: 'rows', rows: { rows, extra }, progress: extra.progress, node: source.node, role: source.role };
}

/** The freshness of this progress, or why it is not as fresh as the reader requires. */
async function freshnessOf(
  reads: Reads,
  topics: readonly Topic[],
  progress: readonly ConsumerProgress[],
  options: ReadOptions,
): Promise<{ readonly type: 'fresh'; position: Position; lagMs: number | undefined } | ReadFailure> {
  const missing = await firstMissing(reads, topics, progress, options);
  if (missing !== undefined) return missing;
  const { lagMsMax } = options;
  const lags = await Promise.all(
    reads.groupIds.map(async (group) => ({ group, lagMs: await lagOf(reads, group, topics, progress, lagMsMax) })),
  );
  const late = lags.find(({ lagMs }) => lagMsMax !== undefined && (lagMs === undefined || lagMs > lagMsMax));
  if (late !== undefined) return { type: 'not-fresh', group: late.group, lagMsMax };
  const known = lags.flatMap(({ lagMs }) => lagMs ?? []);
  return {
    type: 'fresh',
    position: positionAfter(reads, topics, progress, options),
    lagMs: known.length < lags.length ? undefined : Math.max(0, ...known),
  };
}

/** Age of the group's oldest unapplied change, ms; undefined: unknown. */
async function lagOf(
  reads: Reads,
  group: string,
  topics: readonly Topic[],
  progress: readonly ConsumerProgress[],
  lagMsMax: number | undefined,
): Promise<number | undefined> {
  const places = topics.map((topic) => {
    const applied = progress.find((each) => each.group === group && each.topic === topic);
    return applied ?? { topic, term: 0, tag: '', seq: 0, n: null };
  });
  const looked = await reads.ofGroup(
    group,
    notAppliedQuery,
    [
      places.map(({ topic }) => topic),
      places.map(({ seq }) => seq),
      places.map(({ n }) => n ?? WHOLE_BATCH),
      places.map(({ term }) => term),
      places.map(({ tag }) => tag),
    ],
    { position: NO_POSITION, lagMsMax, waitMs: 0 },
  );
  // After a failover that lost applied changes, the lag is unknown until the consumer has continued.
  if (looked.type !== 'answer' || !looked.extra.all_known) return undefined;
  const { oldest_at_ms: oldestAtMs } = looked.extra;
  const { lagMs } = looked.source;
  // That node has no change after the progress, so a missing change is at most as old as the changes that the node
  // itself misses.
  if (oldestAtMs === null) return lagMs;
  const nowMs = reads.clockMs(group);
  return nowMs === undefined ? undefined : Math.max(0, Math.round(nowMs - oldestAtMs), lagMs ?? 0);
}

/** The first reason why this progress does not cover the reader's position. Undefined: it covers it. */
async function firstMissing(
  reads: Reads,
  topics: readonly Topic[],
  progress: readonly ConsumerProgress[],
  options: ReadOptions,
): Promise<ReadFailure | undefined> {
  for (const wanted of options.position.groups.filter(({ group }) => reads.groupIds.includes(group))) {
    for (const topic of topics) {
      const applied = progress.find((each) => each.group === wanted.group && each.topic === topic);
      if (applied !== undefined && applied.tag === wanted.tag && completeSeq(applied) >= wanted.seq) continue;
      const last = await reads.ofGroup(wanted.group, lastChangeQuery, [topic, wanted.seq], {
        position: positionOf([wanted]),
        waitMs: 0,
      });
      if (last.type !== 'answer') return last;
      if ((last.extra.seq ?? 0) > completeSeq(applied)) return { type: 'not-fresh', group: wanted.group, wanted };
    }
  }
  return undefined;
}

/**
 * A position for each group: the last batch that all topics have reached, or the reader's own position, which is
 * covered too.
 */
function positionAfter(
  reads: Reads,
  topics: readonly Topic[],
  progress: readonly ConsumerProgress[],
  { position }: ReadOptions,
): Position {
  const reached = reads.groupIds.flatMap((group): GroupPosition[] => {
    const of = topics.map((topic) => progress.find((each) => each.group === group && each.topic === topic));
    const slowest = of.reduce((least, each) => (completeSeq(each) < completeSeq(least) ? each : least), of[0]);
    return slowest === undefined || slowest.tag === '' ? [] : [{ ...slowest, seq: completeSeq(slowest) }];
  });
  return positionOf([...reached, ...position.groups], position.orders);
}

/** The last completely applied batch. */
function completeSeq(applied: ConsumerProgress | undefined): number {
  return applied === undefined ? 0 : lastCompleteSeq({ seq: applied.seq, n: applied.n ?? undefined });
}
