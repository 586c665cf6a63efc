import { commandKinds, keyOf, type Command, type Replay, type Reply } from '@eco/contracts';
import { bodyHash, formerBodyHash } from './body-hash.js';
import type { Arrived, DeadLetterRow, Effects, Failure } from './effects.js';
import { isBefore } from './instant.js';
import { rulesOf } from './kinds.js';
import { dueExpiries } from './reservations/expire-reservation.js';
import type { Decision } from './rules.js';
import type { BatchState, DeadLetter, StoredOutcome } from './state.js';
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
 * `parked`: commands that can't be processed by themselves either, and why. Where the rules would decide such a one, it
 * becomes a dead letter instead.
 */
export function decideBatch(
  stored: BatchState,
  arrived: readonly Arrived[],
  parked?: ReadonlyMap<Arrived, Failure>,
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

function decideCommand(command: Command, state: WorkingState, failure?: Failure): Reply {
  const { id, replay } = command;
  const retried = letterToTry(id, replay, state);
  const reply = settle(command, state, failure, retried);
  noteReplay(id, replay, reply, state);
  return reply;
}

/** `retried`: the dead letter that this is the replay of; it settles nothing then. */
function settle(command: Command, state: WorkingState, failure?: Failure, retried?: DeadLetter): Reply {
  const { id, kind, sentBy } = command;
  const bucket = bucketOf(command, state);
  const hash = storedHashOf(command, state);
  const park = (why: Failure) =>
    parkIn(state, { commandId: id, bodyHash: hash, kind, bucket, ...why, sentBy, command }, retried);

  // With several groups a bucket's commands go on to its owner, or are held while it moves. With one group there is
  // nobody to send them to, and whether they were decided before can't be said here either.
  if (!state.buckets.isOwned(bucket)) {
    const reason = `this group does not own bucket ${bucket}`;
    return park({ errorClass: 'not-owned', place: `bucket ${bucket}`, reason });
  }

  const outcome = state.outcomeOf(id);
  if (outcome !== undefined) {
    if (outcome.bodyHash === hash) return outcomeReply(id, outcome, true);
    // The API may have answered 202 before anybody could know, so the body is kept (R6). The outcome stays. A command with a
    // time limit is answered within its request, so its sender learns of the conflict.
    if (command.notAfter === undefined || retried !== undefined) {
      const reason = `another body was decided first under this id: ${outcome.status}`;
      park({ errorClass: 'key-conflict', place: kind, reason });
    }
    return { type: 'key-conflict', commandId: id };
  }

  const letter = state.deadLetters.find(id, hash);
  if (letter?.state === 'open' && letter.bodyHash !== retried?.bodyHash) return setAside(letter);

  if (isTooLate(command, state)) {
    return record(command, { bodyHash: hash, bucket, status: 'expired', result: {}, change: null }, state);
  }

  const tombstone = state.tombstoneOf(id);
  if (tombstone !== undefined) {
    const result = { reason: tombstone };
    return record(command, { bodyHash: hash, bucket, status: 'refused', result, change: null }, state);
  }

  if (failure !== undefined) return park(failure);
  const decision = rulesOf(command).decide(command, state);
  if (decision.type === 'not-owned') {
    return park({ errorClass: 'not-owned', place: `products of ${kind}`, reason: decision.reason });
  }
  const { status, result, change } = decision;
  return record(command, { bodyHash: hash, bucket, status, result, change }, state);
}

/** Of the command's body as its outcome or dead letter has it, if one is stored with the hash that was made before. */
function storedHashOf(command: Command, state: WorkingState): string {
  const hash = bodyHash(command);
  const outcome = state.outcomeOf(command.id);
  if (outcome?.bodyHash === hash || (outcome === undefined && !state.deadLetters.hasOf(command.id))) return hash;
  const former = formerBodyHash(command);
  if (former === undefined) return hash;
  const isFormer = outcome?.bodyHash === former || state.deadLetters.find(command.id, former) !== undefined;
  return isFormer ? former : hash;
}

/** Past the time that its sender gave it, or so old that what it could contradict may have been removed (`COMMAND_DAYS_MAX`). */
function isTooLate({ notAfter, stamp }: Command, { at, oldestStamp }: WorkingState): boolean {
  return stamp < oldestStamp || (notAfter !== undefined && isBefore(notAfter, at));
}

/** A discard is decided by the group that has the dead letter, whoever owns the bucket of what lies in it. */
function bucketOf(command: Command, { buckets, deadLetters }: WorkingState): number {
  if (command.kind !== 'dead-letter.discard') return buckets.of(keyOf(command));
  const { commandId, bodyHash } = command.body;
  const bucket = deadLetters.find(commandId, bodyHash)?.bucket ?? buckets.any;
  return buckets.isOwned(bucket) ? bucket : buckets.any;
}

/** Its id may be an honest command's, so only an outcome for this very content (discarded) settles it. */
function parkUnreadable(arrived: Arrived & { readable: false }, state: WorkingState): Reply {
  const { commandId, bodyHash, kind, reason, errorClass, place, sentBy, raw, replay } = arrived;
  const outcome = state.outcomeOf(commandId);
  if (outcome?.bodyHash === bodyHash) return outcomeReply(commandId, outcome, true);
  const row = { commandId, bodyHash, kind, bucket: null, reason, errorClass, place, sentBy, command: raw };
  const reply = parkIn(state, row, letterToTry(commandId, replay, state));
  noteReplay(commandId, replay, reply, state);
  return reply;
}

/** One that is there already is not written again, and its first reason stands, unless this is a replay of it. */
function parkIn(state: WorkingState, row: DeadLetterRow, retried: DeadLetter | undefined): Reply {
  const letter = state.deadLetters.find(row.commandId, row.bodyHash);
  if (letter === undefined) return setAside(state.deadLetters.add(row));
  return setAside(letter.bodyHash === retried?.bodyHash ? state.deadLetters.failAgain(letter, row) : letter);
}

function setAside({ commandId, reason }: Readonly<DeadLetter>): Reply {
  return { type: 'dead-letter', commandId, reason };
}

/** Undefined: this is no replay, there is nothing open to be tried, or this number was tried. */
function letterToTry(commandId: string, replay: Replay | undefined, state: WorkingState): DeadLetter | undefined {
  if (replay === undefined) return undefined;
  const letter = state.deadLetters.find(commandId, replay.bodyHash);
  return letter?.state === 'open' && replay.number > letter.lastNumber ? letter : undefined;
}

/** Also of a dead letter that was made just now, by a replay that came first: so that it is tried once. */
function noteReplay(commandId: string, replay: Replay | undefined, reply: Reply, state: WorkingState): void {
  const letter = letterToTry(commandId, replay, state);
  if (replay === undefined || letter === undefined) return;
  const { number, by } = replay;
  state.deadLetters.act(letter, reply.type === 'outcome' ? 'replayed' : 'open', {
    number,
    action: 'replay',
    by,
    result: reply.type === 'outcome' ? reply.status : reply.type,
    reason: reply.type === 'dead-letter' ? reply.reason : null,
  });
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
  return outcomeReply(command.id, row, false);
}

function outcomeReply(commandId: string, { status, result }: StoredOutcome, repeated: boolean): Reply {
  return { type: 'outcome', commandId, status, repeated, result };
}
