import { loads, type LeftOut, type LoadBounds, type Query } from '@eco/database';
import { mapValues, noKeysLeftOut, noParts, type BatchState, type NeededKeys } from '@eco/domain';
import { textsLiteral, type Statement } from '@eco/postgres';
import type { WriterSession } from './session.js';

/**
 * Loads the rows that a batch's commands touch, by key. Each statement is pipelined behind the fence and runs after it,
 * so it sees the commits of the previous leader. Nobody else can write until this transaction ends.
 */

const ownership: Statement = {
  name: 'load ownership',
  text: `SELECT o.bucket FROM eco.bucket_ownership o WHERE o.state = 'owned'`,
};

/**
 * Sends the statements that `keys` need; call it inside `session.together`. `state` lacks only the fence's values.
 * `state` and `leftOut` are complete when all statements have answered.
 */
export function sendLoad(
  session: WriterSession,
  keys: NeededKeys,
  bounds: LoadBounds,
): { sent: Promise<unknown>[]; state: Omit<BatchState, 'position' | 'at' | 'buckets'>; leftOut: LeftOut } {
  const ownedBuckets = new Set<number>();
  const state = { ...noParts(), ownedBuckets };
  const leftOut = { ...noKeysLeftOut(), due: false };
  const owned: Query = {
    statement: ownership,
    values: [],
    take: (rows) => rows.forEach(([bucket]) => ownedBuckets.add(bucket as number)),
  };
  const loading = { keys, literals: mapValues(keys, textsLiteral), ...bounds, state, leftOut };
  const queries = [owned, ...loads.flatMap((load) => load(loading))];
  const sent = queries.map(({ statement, values, take }) =>
    session.run(statement, values).then(({ rows }) => take(rows)),
  );
  return { sent, state, leftOut };
}
