import type { LeftOut, LoadBounds } from '@eco/database';
import type { BatchState, Effects, NeededKeys } from '@eco/domain';
import { batchFailureOf, type BatchFailure } from './batch-failure.js';
import { fence } from './fence.js';
import { sendLoad } from './send-load.js';
import type { LeaderTerm } from './leader-term.js';
import type { Removal } from './retention.js';
import type { StatementResult, WriterSession } from './session.js';
import { sendStore } from './send-store.js';
import { sendRemoval } from './suspect-rows.js';

/**
 * A batch is one transaction in two round trips:
 *
 *   1. BEGIN, fence, load      → the state, numbered `seq`        (openBatch)
 *      decide                                                     (pure, done by the caller)
 *   2. store, COMMIT           → committed, or why it failed      (commitBatch)
 *
 * A session runs one batch at a time.
 */

const UNBOUNDED: LoadBounds = { lines: 2 ** 31, swept: 500 };

/** Fences and loads no more than `bounds` allow. After a failure no transaction is open. */
export async function openBatch(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  keys: NeededKeys,
  bounds = UNBOUNDED,
): Promise<{ type: 'opened'; state: BatchState; leftOut: LeftOut } | BatchFailure> {
  const { group, term, tag, buckets } = leaderTerm;
  const { begun, fenced, load } = session.together(() => ({
    begun: session.control('BEGIN'),
    fenced: session.run(fence, [term, tag, session.elapsed.send()]),
    load: sendLoad(session, keys, bounds),
  }));
  const failure = await firstFailure([begun, fenced, ...load.sent]);
  if (failure !== undefined) return (await rollBack(session)) ?? failure;
  const [seq, at] = (await fenced).rows[0] as [string, Date];
  return {
    type: 'opened',
    state: { ...load.state, position: { group, term, tag, seq: Number(seq) }, at: at.toISOString(), buckets },
    leftOut: load.leftOut,
  };
}

/**
 * Stores and commits the decisions that were made from `state`. `committed` means: committed on the primary and flushed
 * by a replica, if the group has one. After `unknown` the session is destroyed. After any other failure no transaction
 * is open.
 *
 * A batch without effects commits too. Its wait for a replica covers an earlier, unknown COMMIT of the same commands,
 * whose rows may be only on the primary.
 *
 * `suspectIds`: rows of `eco.suspect` whose commands it settles. `removals`: expired rows.
 */
export async function commitBatch(
  session: WriterSession,
  state: BatchState,
  effects: Effects,
  suspectIds: readonly string[] = [],
  removals: readonly Removal[] = [],
): Promise<{ type: 'committed' } | BatchFailure> {
  const { sent, commit } = session.together(() => ({
    sent: [
      ...sendStore(session, state, effects),
      ...removal(session, state, suspectIds),
      ...sendRemovals(session, state, removals),
    ],
    commit: session.control('COMMIT'),
  }));
  const failure = await firstFailure(sent);
  const [answer] = await Promise.allSettled([commit]);
  const settled = settleCommit(failure, answer);
  if (settled.type === 'committed') session.elapsed.stored();
  if (settled.type === 'unknown') session.destroy(settled.error);
  return settled;
}

function removal(session: WriterSession, { position }: BatchState, suspectIds: readonly string[]): Promise<unknown>[] {
  const { term, tag, seq } = position;
  return suspectIds.length === 0 ? [] : [sendRemoval(session, [term, tag, seq], suspectIds)];
}

function sendRemovals(session: WriterSession, { position }: BatchState, removals: readonly Removal[]) {
  const { term, tag, seq } = position;
  return removals.map(({ statement, values }) => session.run(statement, [term, tag, seq, ...values]));
}

/** Stores and rolls back: reports whether a part of a batch can be stored, and leaves nothing. */
export async function tryBatch(
  session: WriterSession,
  state: BatchState,
  effects: Effects,
): Promise<{ type: 'storable' } | BatchFailure> {
  const failure = await firstFailure(session.together(() => sendStore(session, state, effects)));
  return (await rollBack(session)) ?? failure ?? { type: 'storable' };
}

/** Ends the open transaction without a trace. */
export async function rollBack(session: WriterSession): Promise<BatchFailure | undefined> {
  return firstFailure([session.control('ROLLBACK')]);
}

/**
 * Only the answer `COMMIT` without a warning of its own is certain. If the wait for the replica was cut short, the
 * server answers `COMMIT` with a warning (01000 or 57P01, syncrep.c). If the transaction failed in the middle, it
 * answers `ROLLBACK` without an error. Without an answer nothing is known. Notices about earlier statements, such as a
 * word too long for the index, say nothing about the commit.
 */
function settleCommit(
  failure: BatchFailure | undefined,
  answer: PromiseSettledResult<StatementResult>,
): { type: 'committed' } | BatchFailure {
  if (answer.status === 'rejected') return { type: 'unknown', error: answer.reason as Error };
  const { command, warning } = answer.value;
  if (warning !== undefined) return { type: 'unknown', error: new Error(warning) };
  if (failure === undefined && command === 'COMMIT') return { type: 'committed' };
  if (failure !== undefined && command === 'ROLLBACK') return failure;
  return { type: 'unknown', error: new Error(`COMMIT answered ${command}`, { cause: failure?.error }) };
}

/** Waits for all statements and returns the first failure. The statements pipelined behind it failed because of it. */
async function firstFailure(sent: readonly Promise<unknown>[]): Promise<BatchFailure | undefined> {
  const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
  return failed === undefined ? undefined : batchFailureOf(failed.reason);
}
