import { commandKinds, keyOf, type Command, type Reply } from '@eco/contracts';
import { bodyHash } from './body-hash.js';
import type { Arrived, DeadLetterRow, Effects } from './effects.js';
import { isBefore } from './instant.js';
import { rulesOf } from './kinds.js';
import { dueExpiries } from './reservations/expire-reservation.js';
import type { Decision } from './rules.js';
import type { BatchState, StoredOutcome } from './state.js';
import { textOf } from './text.js';
import { WorkingState } from './working-state.js';

/*
 * How a batch is decided: one command after the other in the order they came, each seeing what those before it did.
 * So no outcome depends on where one batch ends and the next begins, but for the instant that each is decided at.
 *
 * A command that was decided before, in this batch or ever, gets its first answer again. So a message may come any
 * number of times, and after a commit in doubt the whole batch is simply decided again.
 */

/**
 * What these commands do to this state, and what their askers are told. Changes neither of the two.
 *
 * `parked`: commands that the database refuses to store by themselves too (SQLSTATE 22, 23), with its reasons. Where the
 * rules would decide such a one, it becomes a dead letter instead.
 */
export function decideBatch(
  stored: BatchState,
  arrived: readonly Arrived[],
  parked?: ReadonlyMap<Arrived, string>,
): Effects {
  const state = new WorkingState(stored);
  const isHere = (key: string) => state.buckets.isOwned(state.buckets.of(key));
  // Nobody waits to be told of these.
  for (const expiry of dueExpiries(stored, isHere)) decideCommand(expiry, state);
  for (const one of arrived) {
    const reply = one.readable ? decideCommand(one.command, state, parked?.get(one)) : parkUnreadable(one, state);
    state.effects.replies.push(reply);
  }
  return state.effects;
}

function decideCommand(command: Command, state: WorkingState, databaseReason?: string): Reply {
  const bucket = state.buckets.of(keyOf(command));
  const hash = bodyHash(command);
  const park = (errorClass: DeadLetterRow['errorClass'], reason: string) =>
    parkIn(state, {
      commandId: command.id,
      bodyHash: hash,
      bucket,
      reason,
      errorClass,
      sentBy: command.sentBy,
      command,
    });

  // With several groups a bucket's commands go on to its owner, or are held while it moves. With one group there is
  // nobody to send them to, and whether they were decided before can't be said here either.
  if (!state.buckets.isOwned(bucket)) return park('not-owned', `this group does not own bucket ${bucket}`);

  const outcome = state.outcomeOf(command.id);
  if (outcome !== undefined) {
    return outcome.bodyHash === hash
      ? told(command.id, outcome, true)
      : { type: 'key-conflict', commandId: command.id };
  }

  const parkedFor = state.deadLetterReason(command.id, hash);
  if (parkedFor !== undefined) return { type: 'dead-letter', commandId: command.id, reason: parkedFor };

  if (command.notAfter !== undefined && isBefore(command.notAfter, state.at)) {
    return record(command, { bodyHash: hash, bucket, status: 'expired', result: {}, change: null }, state);
  }

  const tombstone = state.tombstoneOf(command.id);
  if (tombstone !== undefined) {
    const result = { reason: tombstone };
    return record(command, { bodyHash: hash, bucket, status: 'refused', result, change: null }, state);
  }

  if (databaseReason !== undefined) return park('database', databaseReason);
  const decision = rulesOf(command).decide(command, state);
  if (decision.type === 'not-owned') return park('not-owned', decision.reason);
  const { status, result, change } = decision;
  return record(command, { bodyHash: hash, bucket, status, result, change }, state);
}

/** Its id may be an honest command's, so only an outcome for this very content (discarded) settles it. */
function parkUnreadable(arrived: Arrived & { readable: false }, state: WorkingState): Reply {
  const { commandId, bodyHash, reason, errorClass, sentBy, raw } = arrived;
  const outcome = state.outcomeOf(commandId);
  if (outcome?.bodyHash === bodyHash) return told(commandId, outcome, true);
  return parkIn(state, { commandId, bodyHash, bucket: null, reason, errorClass, sentBy, command: raw });
}

/** A dead letter that is open already is not written again; its first reason stands. */
function parkIn(state: WorkingState, row: DeadLetterRow): Reply {
  let reason = state.deadLetterReason(row.commandId, row.bodyHash);
  if (reason === undefined) {
    reason = textOf(row.reason);
    state.addDeadLetter({ ...row, reason, sentBy: row.sentBy === null ? null : textOf(row.sentBy) });
  }
  return { type: 'dead-letter', commandId: row.commandId, reason };
}

interface Decided extends StoredOutcome {
  bucket: number;
  change: (Decision & { type: 'decided' })['change'];
}

function record(command: Command, { bodyHash, bucket, status, result, change }: Decided, state: WorkingState): Reply {
  const topic = change === null ? null : commandKinds[command.kind].topic;
  const row = {
    commandId: command.id,
    bodyHash,
    kind: command.kind,
    bucket,
    status,
    result,
    topic,
    changeType: change?.type ?? null,
    n: topic === null ? 0 : state.nextPlace(topic),
    changeData: change?.data ?? null,
  };
  state.addOutcome(row);
  return told(command.id, row, false);
}

function told(commandId: string, { status, result }: StoredOutcome, repeated: boolean): Reply {
  return { type: 'outcome', commandId, status, repeated, result };
}
