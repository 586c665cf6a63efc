import { stores } from '@eco/database';
import type { BatchState, Effects } from '@eco/domain';
import type { WriterSession } from './session.js';

/** Sends the statements that store the rows; a table without rows gets none. Call it inside `session.together`. */
export function sendStore(session: WriterSession, state: BatchState, effects: Effects): Promise<unknown>[] {
  const { term, tag, seq } = state.position;
  const sent: Promise<unknown>[] = [];
  for (const store of stores) {
    for (const { statement, values } of store(effects, state)) {
      sent.push(session.run(statement, [term, tag, seq, ...values]));
    }
  }
  return sent;
}
