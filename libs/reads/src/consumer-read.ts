import { setTimeout as pause } from 'node:timers/promises';
import type { Topic } from '@eco/contracts';
import { NO_POSITION, positionOf, type GroupPosition, type Position } from '@eco/routing';
import type { GroupAnswer, Reader, ReadFailure } from './group-reader.js';
import { query, type Query } from './query.js';
import type { Reads } from './reads.js';

/*
 * Reads of what a consumer of events keeps in a schema of its own. What it shows is as of what it has applied, which its
 * progress rows say, topic by topic and group by group, and not as of the node's group_state. A reader with a position
 * asks for more than that only where the batches in between have something for this consumer: progress moves only with
 * a change of its topics, so of a group that went on without one it looks behind and is not.
 */

/** One progress row of a consumer. */
export interface Applied {
  readonly group: string;
  readonly topic: string;
  readonly term: number;
  readonly tag: string;
  readonly seq: number;
}

/** What a query of a consumer's schema has beside its rows: `beside: progressOf(…)`. */
export interface WithProgress {
  progress: Applied[];
}

export const progressOf = (schema: string, consumer: string): string => `
  (SELECT coalesce(jsonb_agg(jsonb_build_object(
     'group', p.group_id, 'topic', p.topic, 'term', p.term, 'tag', p.tag, 'seq', p.seq)), '[]')
   FROM ${schema}.progress p WHERE p.consumer = '${consumer}') AS progress`;

/** $1 topic, $2 batch: the last one up to it that changed something of the topic; null: none did. */
const lastChange = query<never, { seq: number | null }>({
  name: 'last-change',
  rows: 'SELECT WHERE false',
  beside: `
    (SELECT CASE WHEN $1 = 'stock' THEN (SELECT max(m.seq) FROM eco.movement m WHERE m.seq <= $2)
       ELSE (SELECT max(u.seq) FROM eco.outcome u WHERE u.topic = $1 AND u.seq <= $2) END)::float8 AS seq`,
});

const PAUSE_MS = 50;

export interface ConsumerAnswer<Row> {
  readonly type: 'answer';
  readonly answer: GroupAnswer<Row, WithProgress>;
  /** As of which it is, with what the reader brought of it. */
  readonly position: Position;
}

/** Waits for what the reader's position asks for, as any read does. */
export async function readConsumer<Row>(
  reads: Reads,
  topics: readonly Topic[],
  asked: Query<Row, WithProgress>,
  values: readonly unknown[],
  reader: Reader,
): Promise<ConsumerAnswer<Row> | ReadFailure> {
  const [home = ''] = reads.groupIds;
  const endMs = performance.now() + Math.max(reads.freshWaitMs, reader.waitMs);
  for (;;) {
    const answer = await reads.ofGroup(home, asked, values, { ...reader, position: NO_POSITION });
    if (answer.type !== 'answer') return answer;
    const { progress } = answer.beside;
    const missing = await firstMissing(reads, topics, progress, reader);
    if (missing === undefined)
      return { type: 'answer', answer, position: positionAfter(reads, topics, progress, reader) };
    if (missing.type !== 'not-fresh' || performance.now() >= endMs) return missing;
    await pause(PAUSE_MS);
  }
}

/** Why this progress is not as far as the reader must see; undefined: it is. */
export async function firstMissing(
  reads: Reads,
  topics: readonly Topic[],
  progress: readonly Applied[],
  reader: Reader,
): Promise<ReadFailure | undefined> {
  for (const wanted of reader.position.groups.filter(({ group }) => reads.groupIds.includes(group))) {
    for (const topic of topics) {
      const applied = progress.find((each) => each.group === wanted.group && each.topic === topic);
      if (applied !== undefined && applied.tag === wanted.tag && applied.seq >= wanted.seq) continue;
      const last = await reads.ofGroup(wanted.group, lastChange, [topic, wanted.seq], {
        position: positionOf([wanted]),
        waitMs: 0,
      });
      if (last.type !== 'answer') return last;
      if ((last.beside.seq ?? 0) > (applied?.seq ?? 0)) return { type: 'not-fresh', group: wanted.group, wanted };
    }
  }
  return undefined;
}

/** Of each group the batch that all topics have reached, or the reader's own, which they have too by now. */
export function positionAfter(
  reads: Reads,
  topics: readonly Topic[],
  progress: readonly Applied[],
  { position }: Reader,
): Position {
  const reached = reads.groupIds.flatMap((group): GroupPosition[] => {
    const of = topics.map((topic) => progress.find((each) => each.group === group && each.topic === topic));
    const slowest = of.reduce((least, each) => ((each?.seq ?? 0) < (least?.seq ?? 0) ? each : least), of[0]);
    return slowest === undefined || slowest.tag === '' ? [] : [slowest];
  });
  return positionOf([...reached, ...position.groups], position.orders);
}
