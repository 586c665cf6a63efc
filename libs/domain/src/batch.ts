import {
  CENTRAL,
  commandKinds,
  isEntry,
  keyOf,
  underId,
  type Command,
  type CommandKind,
  type Replay,
  type Reply,
} from '@eco/contracts';
import { originOfBatch, ownerMaking, restrictionOf, whyForbidden, whyNotItsOwn, type Origin } from './authority.js';
import { bodyHash, formerBodyHash, isBodyOf } from './body-hash.js';
import type { DeadLetter, DeadLetterRow } from './dead-letters/dead-letter.js';
import type { Arrived, Effects, Failure } from './effects.js';
import { isBefore } from './instant.js';
import { ownerOf, rulesOf } from './kinds.js';
import type { OutcomeRow, StoredOutcome } from './outcomes/outcome.js';
import { dueExpiries } from './reservations/expire-reservation.js';
import type { Decision } from './rules.js';
import type { BatchState } from './state.js';
import { WorkingState } from './working-state.js';

/*
 * Decides a batch: one command after the other in arrival order. Each sees the effects of the earlier ones. No outcome
 * depends on where one batch ends and the next begins, except through the instant at which a batch is decided.
 *
 * A command that was decided before, in this batch or an earlier one, gets its first reply again. So a message may
 * arrive any number of times, and after an uncertain commit the whole batch is simply decided again.
 */

/**
 * Returns the effects of these commands on this state, and the replies to their callers. It changes neither argument.
 *
 * `failures`: commands that can't be processed, with the reason. If the rules would have to decide such a command, it
 * becomes a dead letter instead.
 */
export function decideBatch(
  stored: BatchState,
  arrived: readonly Arrived[],
  failures?: ReadonlyMap<Arrived, Failure>,
): Effects {
  const state = new WorkingState(stored);
  const isHere = (key: string) => state.buckets.isOwned(state.buckets.of(key));
  const origin = originOfBatch(stored.position.group);
  // The replies to expiries are dropped, because no caller waits for them.
  for (const expiry of dueExpiries(stored, isHere)) settle(expiry, origin, state);
  for (const one of arrived) {
    const failure = failures?.get(one);
    const reply = one.readable ? decideCommand(one, state, failure) : deadLetterUnreadable(one, state, failure);
    state.effects.replies.push(reply);
  }
  return state.finish();
}

function decideCommand({ command, sender: user }: Readable, state: WorkingState, failure?: Failure): Reply {
  const { replay } = command;
  const sending = state.originOf(user, command.actor);
  if (replay === undefined) return decideAs(sending, command, state, failure);
  if (!mayReplay(sending)) {
    return forbid(command, sending, `${named(user)} may not replay a dead letter`, state, undefined);
  }
  const retried = letterToTry(command.id, replay, state);
  const first = state.originOf(firstSenderOf(command.id, replay, state), command.actor);
  const reply = decideAs(first, command, state, failure, retried);
  noteReplay(command.id, replay, sending, reply, state);
  return reply;
}

type Readable = Arrived & { readable: true };

/**
 * `origin`: the sender by whose authority the command is judged. `retried`: the dead letter that this command replays;
 * undefined if it is no replay.
 */
function decideAs(
  origin: Origin,
  command: Command,
  state: WorkingState,
  failure?: Failure,
  retried?: DeadLetter,
): Reply {
  const reason = whyForbidden(command, origin, state.atMs);
  return reason === undefined
    ? settle(command, origin, state, failure, retried)
    : forbid(command, origin, reason, state, retried);
}

function mayReplay({ sender }: Origin): boolean {
  return sender?.type === 'dead-letter-admin';
}

function named(user: string | null): string {
  return user === null ? 'a message without a broker user' : `the broker user ${user}`;
}

/**
 * The user that sent the replayed command first. A replay is judged by this user, because it must not carry out a
 * command that its sender may not send. The user is stored with the dead letter. A dead letter from before senders were
 * stored has none and counts as the head office's.
 *
 * With several groups a replay goes to the owner of the bucket, which may not have the dead letter. The user that the
 * dead-letter admin states counts there, even if this group has a dead letter: another one of the same content may
 * have been stored since, and a repeated replay must get the same reply.
 */
function firstSenderOf(id: string, { bodyHash, sender }: Replay, state: WorkingState): string | null {
  if (!state.buckets.areAllOwned && sender !== undefined) return sender;
  const letter = state.deadLetters.find(id, bodyHash);
  if (letter === undefined) return null;
  return letter.sender === null && letter.errorClass !== 'forbidden' ? 'central' : letter.sender;
}

/** `retried`: the dead letter that this command replays; undefined if it is no replay. */
function settle(command: Command, origin: Origin, state: WorkingState, failure?: Failure, retried?: DeadLetter): Reply {
  const { id, kind } = command;
  const bucket = bucketOf(command, state);
  const hash = storedHashOf(command, state);
  const deadLetter = (why: Failure) =>
    storeDeadLetter(state, letterOf(command, origin, { bodyHash: hash, bucket, ...why }), retried);

  // With one group this never happens. With several groups the command should go to the bucket's owner, or be held
  // while the bucket moves. This group can't know whether the owner has decided the command before.
  if (!state.buckets.isOwned(bucket)) {
    const reason = `this group does not own bucket ${bucket}`;
    return deadLetter({ errorClass: 'not-owned', failureSite: `bucket ${bucket}`, reason });
  }

  const conflictWith = ({ status }: StoredOutcome): Reply => {
    // The API may have responded 202 before the conflict could be known, so the body is kept (R6). The outcome stays. A
    // command with a time limit is answered within its request, so its sender learns of the conflict.
    if (command.notAfter === undefined || retried !== undefined) {
      const reason = `another body was decided first under this id: ${status}`;
      deadLetter({ errorClass: 'key-conflict', failureSite: kind, reason });
    }
    return { type: 'key-conflict', commandId: id };
  };
  const outcome = state.outcomeOf(id);
  if (outcome !== undefined) {
    return outcome.bodyHash === hash ? outcomeReply(id, outcome, true) : conflictWith(outcome);
  }

  if (isPassedOver(command, state)) {
    return { type: 'dead-letter', commandId: id, reason: 'the branch sends it again, because the home was restored' };
  }

  const letter = state.deadLetters.find(id, hash);
  // A key conflict without an outcome under this id is one with a former id. It is found again below.
  const isAnothers = letter?.errorClass === 'forbidden' || letter?.errorClass === 'key-conflict';
  if (letter?.state === 'open' && !isAnothers && letter.bodyHash !== retried?.bodyHash) return deadLetterReply(letter);

  const former = formerResultOf(command, state);
  if (former?.type === 'conflict') return conflictWith(former.outcome);
  if (former?.type === 'outcome') {
    copyOutcome(command, origin, former.outcome, former.decidedAs, state);
    return outcomeReply(id, former.outcome, true);
  }
  // An operator replays the former command first. Then a replay of this one finds the outcome.
  if (former?.type === 'dead-letter') return deadLetter(former.failure);

  if (isTooLate(command, state)) {
    return record(command, origin, { bodyHash: hash, bucket, status: 'expired', result: {}, change: null }, state);
  }

  const owner = ownerIn(command, origin);
  const tombstone =
    state.tombstoneOf(id, owner) ??
    command.formerIds?.map((each) => state.tombstoneOf(each, owner)).find((reason) => reason !== undefined);
  if (tombstone !== undefined) {
    const result = { reason: tombstone };
    return record(command, origin, { bodyHash: hash, bucket, status: 'refused', result, change: null }, state);
  }

  const branchId = restrictionOf(origin);
  if (branchId !== undefined) {
    const reason = whyNotItsOwn(branchId, ownerOf(command, state));
    if (reason !== undefined) return forbid(command, origin, reason, state, retried);
  }
  if (failure !== undefined) return deadLetter(failure);
  if (usesPool(command) && !state.holders.mayUsePool) {
    const awaited = state.holders.awaited.slice(0, AWAITED_SHOWN).join(', ');
    const reason = `the database was restored, and these branches have not sent their entries again: ${awaited}`;
    return deadLetter({ errorClass: 'awaiting-branches', failureSite: kind, reason });
  }
  const decision = rulesOf(command).decide(command, state, owner);
  if (decision.type === 'not-owned') {
    return deadLetter({ errorClass: 'not-owned', failureSite: `products of ${kind}`, reason: decision.reason });
  }
  const { status, result, change } = decision;
  return record(command, origin, { bodyHash: hash, bucket, status, result, change }, state);
}

/**
 * Whether a restored home leaves this entry to its branch, which sends all its entries again in their order, with the
 * home's epoch. A later entry must not be decided before the ones that the home has forgotten: the void of an unknown sale
 * would be refused for good.
 */
function isPassedOver(command: Command, { holders }: WorkingState): boolean {
  if (!isEntry(command)) return false;
  const awaited = holders.awaitedEpochOf(command.body.branchId);
  return awaited !== undefined && command.homeEpoch !== awaited;
}

const AWAITED_SHOWN = 20;

/** Whether the command promises or sends away units of the pool. */
function usesPool(command: Command): boolean {
  switch (command.kind) {
    case 'order.place':
    case 'cart.checkout':
    case 'reservation.create':
      return true;
    case 'transfer.send':
      return command.body.from === CENTRAL;
    default:
      return false;
  }
}

type FormerResult =
  | { readonly type: 'outcome'; readonly outcome: StoredOutcome; readonly decidedAs: string }
  | { readonly type: 'conflict'; readonly outcome: StoredOutcome }
  | { readonly type: 'dead-letter'; readonly failure: Failure };

/** The result of the same request under one of its former ids. Undefined: there is none yet. */
function formerResultOf(command: Command, state: WorkingState): FormerResult | undefined {
  if (command.formerIds === undefined) return undefined;
  const forms = command.formerIds.map((id) => underId(command, id));
  for (const form of forms) {
    const outcome = state.outcomeOf(form.id);
    if (outcome === undefined) continue;
    if (!isBodyOf(form, outcome.bodyHash)) return { type: 'conflict', outcome };
    return { type: 'outcome', outcome, decidedAs: outcome.decidedAs ?? form.id };
  }
  for (const form of forms) {
    const letter = state.deadLetters.find(form.id, storedHashOf(form, state));
    if (letter?.state === 'open' && letter.errorClass !== 'forbidden') {
      const { errorClass, failureSite, reason } = letter;
      return { type: 'dead-letter', failure: { errorClass, failureSite, reason } };
    }
  }
  return undefined;
}

/**
 * Stores the outcome of a request under all its ids that have none. So a late message under any of them has no effect.
 * `decidedAs`: the id under which the request was decided.
 */
function copyOutcome(
  command: Command,
  { user, actor }: Pick<Origin, 'user' | 'actor'>,
  { status, result }: Pick<StoredOutcome, 'status' | 'result'>,
  decidedAs: string,
  state: WorkingState,
): void {
  const { id, kind, formerIds = [] } = command;
  for (const form of [id, ...formerIds].map((each) => underId(command, each))) {
    if (state.outcomeOf(form.id) !== undefined) continue;
    state.addOutcome({
      commandId: form.id,
      bodyHash: bodyHash(form),
      kind,
      bucket: bucketOf(command, state),
      status,
      result: result as OutcomeRow['result'],
      ...noChange,
      sender: user,
      actor: actor?.id ?? null,
      decidedAs,
    });
  }
}
const noChange = { topic: null, changeType: null, n: 0, changeData: null };

/**
 * Owner of what a command makes: the branch that its body names, otherwise the branch to which it is restricted.
 * `central` is the head office.
 */
function ownerIn({ body }: Command, origin: Origin): string {
  return 'branchId' in body ? (body.branchId ?? CENTRAL) : ownerMaking(origin);
}

/**
 * Rejects a command that its sender may not send. It looks at no stored data and does not affect the commands of other
 * senders under this id.
 */
function forbid(
  command: Command,
  origin: Origin,
  reason: string,
  state: WorkingState,
  retried: DeadLetter | undefined,
): Reply {
  const bodyHash = storedHashOf(command, state);
  const why = { errorClass: 'forbidden', failureSite: command.kind, reason } as const;
  const row = letterOf(command, origin, { bodyHash, bucket: bucketOf(command, state), ...why });
  return storeForbidden(state, row, retried);
}

function letterOf(
  command: Command,
  { user, actor }: Origin,
  row: Failure & Pick<DeadLetterRow, 'bodyHash' | 'bucket'>,
): DeadLetterRow {
  const { id: commandId, kind, sentBy } = command;
  return { commandId, kind, ...row, sender: user, actor: actor?.id ?? null, sentBy, command };
}

/** The body hash under which the outcome or dead letter is stored: the former hash, if one is stored under it. */
function storedHashOf(command: Command, state: WorkingState): string {
  const hash = bodyHash(command);
  const outcome = state.outcomeOf(command.id);
  if (outcome?.bodyHash === hash || (outcome === undefined && !state.deadLetters.hasOf(command.id))) return hash;
  const former = formerBodyHash(command);
  if (former === undefined) return hash;
  const isFormer = outcome?.bodyHash === former || state.deadLetters.find(command.id, former) !== undefined;
  return isFormer ? former : hash;
}

/**
 * True: the command is past its `notAfter`, or older than `COMMAND_DAYS_MAX`, so that data it depends on may have been
 * removed. An entry of a branch is never too old, however long the branch was offline: the places of all entries are
 * kept, and they show a repeat whose outcome was removed.
 */
function isTooLate(command: Command, { at, oldestStamp, holders }: WorkingState): boolean {
  const { notAfter, stamp } = command;
  if (notAfter !== undefined && isBefore(notAfter, at)) return true;
  return stamp < oldestStamp && (!isEntry(command) || holders.isNoted(command));
}

/**
 * The bucket that decides the command. A discard is decided by the group of the dead letter, whichever group owns the
 * bucket of its content.
 */
function bucketOf(command: Command, { buckets, deadLetters }: WorkingState): number {
  if (command.kind !== 'dead-letter.discard') return buckets.of(keyOf(command));
  const { commandId, bodyHash } = command.body;
  const bucket = deadLetters.find(commandId, bodyHash)?.bucket ?? buckets.any;
  return buckets.isOwned(bucket) ? bucket : buckets.any;
}

/**
 * Makes unreadable content a dead letter. Its id may be that of a valid command, so only an outcome for this exact
 * content (discarded) settles it. Content from a user that sends no commands is forbidden, readable or not.
 */
function deadLetterUnreadable(arrived: Unreadable, state: WorkingState, failure: Failure = arrived): Reply {
  const { commandId, bodyHash, kind, sentBy, raw, replay, sender: user } = arrived;
  const { errorClass, failureSite, reason } = failure;
  const sending = state.originOf(user, undefined);
  const common = {
    commandId,
    bodyHash,
    kind,
    bucket: null,
    failureSite,
    sender: user,
    actor: null,
    sentBy,
    command: raw,
  };
  if (sending.sender === undefined) {
    const why = user === null ? 'the message names no broker user' : `${named(user)} sends no commands`;
    return storeForbidden(state, { ...common, errorClass: 'forbidden', reason: why }, undefined);
  }
  const outcome = state.outcomeOf(commandId);
  if (outcome?.bodyHash === bodyHash) return outcomeReply(commandId, outcome, true);
  const retried = mayReplay(sending) ? letterToTry(commandId, replay, state) : undefined;
  const reply = storeDeadLetter(state, { ...common, errorClass, reason, sender: retried?.sender ?? user }, retried);
  if (mayReplay(sending)) noteReplay(commandId, replay, sending, reply, state);
  return reply;
}

type Unreadable = Arrived & { readable: false };

/** An existing dead letter is not written again and keeps its first reason, unless this is a replay of it. */
function storeDeadLetter(state: WorkingState, row: DeadLetterRow, retried: DeadLetter | undefined): Reply {
  const letter = state.deadLetters.find(row.commandId, row.bodyHash);
  if (letter === undefined) return deadLetterReply(state.deadLetters.add(row));
  // A dead letter for a command that another sender was not allowed to send must not hide this one.
  const isOfAnother = letter.errorClass === 'forbidden' && letter.sender !== row.sender;
  const isReplaced = isOfAnother || letter.bodyHash === retried?.bodyHash;
  return deadLetterReply(isReplaced ? state.deadLetters.failAgain(letter, row) : letter);
}

function storeForbidden(state: WorkingState, row: DeadLetterRow, retried: DeadLetter | undefined): Reply {
  const { commandId, kind, sender, reason } = row;
  const letter = state.deadLetters.find(commandId, row.bodyHash);
  if (letter === undefined) state.deadLetters.add(row);
  else if (letter.bodyHash === retried?.bodyHash) state.deadLetters.failAgain(letter, row);
  state.effects.forbidden.push({ commandId, kind, sender, reason });
  return { type: 'dead-letter', commandId, reason, forbidden: true };
}

function deadLetterReply({ commandId, reason }: Readonly<DeadLetter>): Reply {
  return { type: 'dead-letter', commandId, reason };
}

/**
 * The dead letter that this replay tries. Undefined: the command is no replay, no dead letter is open, this number was
 * tried before, or the replay is of another sender's dead letter in another group.
 */
function letterToTry(commandId: string, replay: Replay | undefined, state: WorkingState): DeadLetter | undefined {
  if (replay === undefined) return undefined;
  const letter = state.deadLetters.find(commandId, replay.bodyHash);
  if (letter?.state !== 'open' || replay.number <= letter.lastNumber) return undefined;
  const isHere = state.buckets.areAllOwned || replay.sender === undefined || replay.sender === letter.sender;
  return isHere ? letter : undefined;
}

/** Notes that a replay was tried. The dead letter may be from an earlier replay in this batch. */
function noteReplay(
  commandId: string,
  replay: Replay | undefined,
  { user }: Origin,
  reply: Reply,
  state: WorkingState,
): void {
  const letter = letterToTry(commandId, replay, state);
  if (replay === undefined || letter === undefined) return;
  const { number, by } = replay;
  state.deadLetters.act(letter, reply.type === 'outcome' ? 'replayed' : 'open', {
    number,
    action: 'replay',
    by,
    sender: user as string,
    result: reply.type === 'outcome' ? reply.status : reply.type,
    reason: reply.type === 'dead-letter' ? reply.reason : null,
  });
}

interface Decided extends Pick<OutcomeRow, 'bodyHash' | 'bucket' | 'status' | 'result'> {
  change: Extract<Decision<CommandKind>, { type: 'decided' }>['change'];
}

function record(
  command: Command,
  { user, actor }: Origin,
  { bodyHash, bucket, status, result, change }: Decided,
  state: WorkingState,
): Reply {
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
    sender: user,
    actor: actor?.id ?? null,
    decidedAs: null,
  };
  state.addOutcome(row);
  if (command.formerIds !== undefined) copyOutcome(command, { user, actor }, row, command.id, state);
  return outcomeReply(command.id, row, false);
}

function outcomeReply(
  commandId: string,
  { status, result }: Pick<StoredOutcome, 'status' | 'result'>,
  repeated: boolean,
): Reply {
  return { type: 'outcome', commandId, status, repeated, result };
}
