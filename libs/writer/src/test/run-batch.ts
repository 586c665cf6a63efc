import { decideBatch, neededKeys, type Arrived, type Effects } from '@eco/domain';
import { commitBatch, openBatch } from '../batch-transaction.js';
import type { BatchFailure } from '../batch-failure.js';
import type { LeaderTerm } from '../leader-term.js';
import type { WriterSession } from '../session.js';

export type Run = { type: 'committed'; effects: Effects; seq: number } | BatchFailure;

/** Fence, load, decide, store. */
export async function runBatch(
  session: WriterSession,
  leaderTerm: LeaderTerm,
  commands: readonly Arrived[],
): Promise<Run> {
  const opened = await openBatch(session, leaderTerm, neededKeys(commands));
  if (opened.type !== 'opened') return opened;
  const effects = decideBatch(opened.state, commands);
  const committed = await commitBatch(session, opened.state, effects);
  return committed.type === 'committed' ? { type: 'committed', effects, seq: opened.state.position.seq } : committed;
}
