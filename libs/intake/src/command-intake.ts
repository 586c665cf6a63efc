import type { KeyObject } from 'node:crypto';
import type { Principal } from '@eco/access';
import { formatTraceParent, NO_TRACER, pauseAfter, sleep, type TraceParent, type Tracer } from '@eco/base';
import { mayHaveArrived, type CommandReply, type CommandPublisher, type PublishOutcome } from '@eco/broker';
import {
  branchUser,
  commandKinds,
  keyOf,
  type Actor,
  type Command,
  type CommandBody,
  type CommandKind,
  type Reply,
  type Stamp,
} from '@eco/contracts';
import { bodyHash, isBodyOf } from '@eco/domain';
import type { Appended } from '@eco/journal';
import type { AskedCommand, CommandStatus } from '@eco/reads';
import { commandIdFor, customerIdFor, ID_RANDOM_BYTES, newCommandId, newId, orderIdFor } from '@eco/routing';
import { traceConfirm } from './confirm-spans.js';
import type { GroupKnowledge } from './group-knowledge.js';
import { HybridClock } from './hybrid-clock.js';
import { KeyMemory } from './key-memory.js';
import { isUnassigned, type LocalAcceptance } from './local-acceptance.js';
import { takeRandomBytes } from './random-bytes.js';

/**
 * The result of sending a command, ordered by how much is known:
 * - `answered`: its writer has replied with the decision and the position of the batch.
 * - `accepted`: a majority of the brokers has it; nobody waited, or no reply came in time.
 * - `accepted-locally`: this machine has it on its disk and will bring it to the brokers.
 * - `not-accepted`: it is nowhere and will not be done.
 * - `acceptance-unknown`: it may be done. Sending it again under the same id does no harm.
 */
export type Submission =
  | { readonly type: 'answered'; readonly reply: Reply; readonly position: string }
  | { readonly type: 'accepted' }
  | { readonly type: 'accepted-locally' }
  | { readonly type: 'not-accepted'; readonly obstacle: string }
  | { readonly type: 'acceptance-unknown'; readonly obstacle: string };

type NotKept = Extract<Submission, { type: 'not-accepted' | 'acceptance-unknown' }>;

/**
 * The result of a command that must be decided while its caller waits:
 * - `answered`: it was decided.
 * - `not-accepted`: it is nowhere. Nothing was done; it may be sent again under the same id.
 * - `not-done`: it has expired; nothing was done and nothing will be.
 * - `outcome-unknown`: even that is unknown now.
 */
export type Settlement =
  | Extract<Submission, { type: 'answered' | 'not-accepted' }>
  | { readonly type: 'not-done' }
  | { readonly type: 'outcome-unknown' };

/** The client of a request, and the key under which the client may repeat it. */
export interface Requester {
  readonly principal: Principal;
  /** Undefined: the request can't be repeated. */
  readonly idempotencyKey: string | undefined;
}

export interface CommandRequest<K extends CommandKind> extends Requester {
  readonly id: string;
  readonly kind: K;
  readonly body: CommandBody<K>;
  readonly correlationId: string;
  /** Parent of the spans of the command. Absent: the request is not traced. */
  readonly trace?: TraceParent | undefined;
  /** Longest wait for the writer's decision, s. 0: no wait. */
  readonly waitSeconds: number;
  /** Stamp from `nextStamp`, if the response states it. Absent: the intake makes one. */
  readonly stamp?: Stamp;
}

export interface CommandIntakeOptions {
  readonly publisher: CommandPublisher;
  /** Name of this process. */
  readonly sentBy: string;
  /** Branch that takes these commands; null: the head office. */
  readonly branchId: string | null;
  /** Makes ids of customers who are registered without one. All APIs have the same. */
  readonly sharedIdKey: KeyObject;
  /** Shows whether a group decides, its clock, and its decisions. */
  readonly reads: GroupKnowledge;
  /** Keeps commands that can wait when the brokers do not confirm them; absent: nothing is kept. */
  readonly local?: LocalAcceptance;
  /** Absent: nothing is recorded. */
  readonly tracer?: Tracer;
  /** Ends every wait. Commands that are accepted by then are reported as accepted. */
  readonly stopping: AbortSignal;
}

/**
 * Shortest wait for a decision, s. The group's clock is known to about a second, so a shorter wait could be over before
 * it begins.
 */
const DECIDE_SECONDS_MIN = 2;
/** Time after the wait, ms, in which the clock of a group that decides is seen to move. */
const LOOK_MS = 3_000;
const LOOK_PAUSE_MS = 100;

/** Turns REST requests into commands: gives them ids and envelopes, and sends them. */
export class CommandIntake {
  readonly branchId: string | null;
  readonly #options: CommandIntakeOptions;
  readonly #tracer: Tracer;
  readonly #clock: HybridClock;
  readonly #keys = new KeyMemory();
  readonly #waits = new Set<() => void>();

  constructor(options: CommandIntakeOptions) {
    this.#options = options;
    this.#tracer = options.tracer ?? NO_TRACER;
    this.branchId = options.branchId;
    this.#clock = new HybridClock(options.branchId === null ? 'central' : branchUser(options.branchId));
    const last = options.local?.lastStamp;
    if (last !== undefined) this.#clock.resume(last);
    options.stopping.addEventListener('abort', () => this.#waits.forEach((end) => end()), { once: true });
  }

  /**
   * The id of a command. The same key of one principal gives the same id, so a repeated request becomes a repeated
   * command. `key`: the customer or product id that routes the command.
   */
  commandId({ principal: { idKey }, idempotencyKey }: Requester, kind: CommandKind, key: string): string {
    if (idempotencyKey === undefined) return newCommandId({ key, ...idSource() });
    // A key stands for one order, whichever kind of command makes it.
    if (commandKinds[kind].makes === 'orderId') return orderIdFor({ idKey, customerId: key, idempotencyKey });
    return commandIdFor({ idKey, kind, key, idempotencyKey });
  }

  /** A new id for a customer who is registered without one. */
  customerId({ principal: { id: principalId }, idempotencyKey }: Requester): string {
    if (idempotencyKey === undefined) return newId(idSource());
    return customerIdFor({ idKey: this.#options.sharedIdKey, principalId, idempotencyKey });
  }

  /**
   * The stamp of a command routed by this key: later than everything this process saw, bounded by its group's clock.
   */
  nextStamp(key: string): Stamp {
    return this.#clock.next(this.#options.reads.movingGroupNowMs(key));
  }

  /** Makes later stamps exceed this one, which a client sent or a read of this customer's cart showed. */
  noteStamp(customerId: string, stamp: Stamp): void {
    this.#clock.merge(stamp, this.#options.reads.movingGroupNowMs(customerId));
  }

  /** Settles within the publisher's deadline and the wait after it; at once if the command is kept on this machine. */
  async submit<K extends CommandKind>(request: CommandRequest<K>): Promise<Submission> {
    const { id } = request;
    const claim = this.#keys.claim(request);
    if (claim === 'conflict') {
      return { type: 'answered', reply: { type: 'key-conflict', commandId: id }, position: '' };
    }
    const submission = await this.#submit(request);
    if (claim === 'new' && !standsForKey(submission)) this.#keys.forget(id);
    return submission;
  }

  /** The parts of the envelope that depend on the client and its request. */
  #envelopeOf(request: CommandRequest<CommandKind>): Pick<Command, 'actor' | 'formerIds' | 'traceparent'> {
    const actor = this.#actorOf(request.principal);
    const formerIds = this.#formerIdsOf(request);
    const { trace } = request;
    return {
      ...(formerIds && { formerIds }),
      ...(actor && { actor }),
      ...(trace && { traceparent: formatTraceParent(trace) }),
    };
  }

  /** The ids of the same request under the principal's former id keys. Undefined: there are none. */
  #formerIdsOf({ principal, idempotencyKey, kind, body }: CommandRequest<CommandKind>): string[] | undefined {
    if (idempotencyKey === undefined || principal.formerIdKeys.length === 0) return undefined;
    const key = keyOf({ kind, body });
    return principal.formerIdKeys.map((idKey) =>
      this.commandId({ principal: { ...principal, idKey }, idempotencyKey }, kind, key),
    );
  }

  /**
   * The person or program for whom the command is sent, as the outcome will state it. Undefined: the client has no
   * token. At a branch every person acts for that branch, including a customer, who belongs to none. The writer refuses
   * an actor of any other branch.
   */
  #actorOf({ id, role, branchId }: Principal): Actor | undefined {
    return role === 'anonymous' ? undefined : { id, branchId: branchId ?? this.branchId };
  }

  async #submit<K extends CommandKind>(request: CommandRequest<K>): Promise<Submission> {
    const { id, kind, body, correlationId } = request;
    const { publisher, sentBy, stopping, local } = this.#options;
    const stamp = request.stamp ?? this.nextStamp(keyOf({ kind, body }));
    // The compiler can't see that the kind and the body of one request belong together.
    const envelope = this.#envelopeOf(request);
    const command = { id, ...envelope, stamp, sentBy, correlationId, kind, body } as Command;
    const lane = local?.laneOf(command);
    let notKept: NotKept | undefined;
    if (lane !== undefined && local?.isWaitedFor(lane)) {
      const kept = await this.#keep(lane, command);
      if (kept.type === 'accepted-locally') return kept;
      notKept = kept;
      if (!local.mayOvertake(command)) {
        return { ...kept, obstacle: 'what was done with this cart before waits in the journal, which takes no more' };
      }
    }
    const to = lane === undefined || isUnassigned(lane) ? {} : { queue: lane };
    if (request.waitSeconds === 0 || stopping.aborted) {
      const outcome = await traceConfirm(this.#tracer, request, publisher.publish(command, to));
      return this.#settle(outcome, lane, command, notKept);
    }
    const sent = publisher.publishAndWait(command, { ...to, waitMs: request.waitSeconds * 1000 });
    const answer = this.#untilStopping(sent.reply);
    const outcome = await traceConfirm(this.#tracer, request, sent.outcome);
    // The writer's reply counts more than a lost confirm, and may arrive before it.
    return answered(await answer) ?? this.#settle(outcome, lane, command, notKept);
  }

  /** `lane`: where the command may be kept. `notKept`: keeping it has failed already. */
  #settle(
    outcome: PublishOutcome,
    lane: string | undefined,
    command: Command,
    notKept: NotKept | undefined,
  ): Submission | Promise<Submission> {
    if (outcome.type === 'confirmed' || lane === undefined) return submissionOf(outcome);
    if (notKept === undefined) return this.#keep(lane, command, outcome);
    return mayHaveArrived(outcome) ? { ...notKept, type: 'acceptance-unknown' } : notKept;
  }

  /** `outcome`: the brokers' result, if the command was sent to them. */
  async #keep(
    lane: string,
    command: Command,
    outcome: PublishOutcome = { type: 'disconnected' },
  ): Promise<NotKept | Extract<Submission, { type: 'accepted-locally' }>> {
    const kept = (await this.#options.local?.keep(lane, command)) ?? { type: 'full' };
    const unknown = mayHaveArrived(outcome) || kept.type === 'failed';
    switch (kept.type) {
      case 'kept':
        return { type: 'accepted-locally' };
      case 'full':
      case 'over-share':
      case 'failed':
        return {
          type: unknown ? 'acceptance-unknown' : 'not-accepted',
          obstacle: `the brokers do not take it now, and the journal ${journalObstacles[kept.type]}`,
        };
    }
  }

  /**
   * Sends a command that is decided within the wait or not at all: it carries a `notAfter` by its group's clock. If no
   * reply comes, a snapshot taken after that time shows whether it was done. Settles within the wait and 3 s.
   */
  async decide<K extends CommandKind>(request: CommandRequest<K>): Promise<Settlement> {
    const { id, kind, body, correlationId } = request;
    const { publisher, sentBy, reads } = this.#options;
    const key = keyOf({ kind, body });
    const groupNowMs = reads.groupNowMs(key);
    const obstacle = reads.standstill(key);
    if (obstacle !== undefined || groupNowMs === undefined) {
      return { type: 'not-accepted', obstacle: obstacle ?? 'nothing is seen of its group' };
    }
    const startedMs = performance.now();
    const waitMs = Math.max(request.waitSeconds, DECIDE_SECONDS_MIN) * 1000;
    const notAfter = new Date(Math.floor(groupNowMs + waitMs)).toISOString();
    const stamp = this.nextStamp(key);
    const envelope = this.#envelopeOf(request);
    const command = { id, ...envelope, stamp, sentBy, correlationId, notAfter, kind, body } as Command;
    const sent = publisher.publishAndWait(command, { waitMs });
    const answer = this.#untilStopping(sent.reply);
    const submission = submissionOf(await traceConfirm(this.#tracer, request, sent.outcome));
    const reply = answered(await answer);
    if (reply?.type === 'answered') return reply;
    if (submission.type === 'not-accepted') return submission;
    const asked = { key, commandId: id, notAfter, bodyHash: bodyHash(command) };
    return this.#lookFor(command, asked, startedMs + waitMs + LOOK_MS);
  }

  /** Asks until the command's result is certain, or the wait is over. */
  async #lookFor(command: Command, asked: AskedCommand, untilMs: number): Promise<Settlement> {
    const startedMs = performance.now();
    for (;;) {
      const settlement = settlementOf(command, await this.#options.reads.commandStatus(asked));
      if (settlement !== undefined) return settlement;
      if (performance.now() >= untilMs || this.#options.stopping.aborted) return { type: 'outcome-unknown' };
      const nowMs = performance.now();
      await sleep(Math.min(pauseAfter(nowMs - startedMs, LOOK_PAUSE_MS), Math.max(0, untilMs - nowMs)));
    }
  }

  #untilStopping(answer: Promise<CommandReply | undefined>): Promise<CommandReply | undefined> {
    return new Promise((resolve) => {
      const end = () => resolve(undefined);
      this.#waits.add(end);
      void answer.then((given) => {
        this.#waits.delete(end);
        resolve(given);
      });
    });
  }
}

const journalObstacles: Record<Exclude<Appended['type'], 'kept'>, string> = {
  full: 'is full',
  'over-share': 'has no room within the share of this client',
  failed: 'failed',
};

/**
 * Whether this content claims its key. It does if it was or may have been accepted, and no other content came first.
 */
function standsForKey(submission: Submission): boolean {
  if (submission.type === 'answered') return submission.reply.type !== 'key-conflict';
  return submission.type !== 'not-accepted';
}

/** The settlement of a command. Undefined: it is not certain yet. */
function settlementOf(command: Command, known: CommandStatus): Settlement | undefined {
  const commandId = command.id;
  switch (known.type) {
    case 'open':
      return undefined;
    case 'never':
      return { type: 'not-done' };
    case 'dead-letter': {
      const { position, reason } = known;
      return { type: 'answered', position, reply: { type: 'dead-letter', commandId, reason } };
    }
    case 'outcome': {
      const { position, status, result } = known;
      if (!isBodyOf(command, known.bodyHash)) {
        return { type: 'answered', position, reply: { type: 'key-conflict', commandId } };
      }
      return { type: 'answered', position, reply: { type: 'outcome', commandId, status, repeated: false, result } };
    }
  }
}

function answered(answer: CommandReply | undefined): Submission | undefined {
  return answer && { type: 'answered', ...answer };
}

function submissionOf(outcome: PublishOutcome): Submission {
  if (outcome.type === 'confirmed') return { type: 'accepted' };
  return { type: mayHaveArrived(outcome) ? 'acceptance-unknown' : 'not-accepted', obstacle: obstacleOf(outcome) };
}

const obstacles: Record<Exclude<PublishOutcome['type'], 'confirmed'>, string> = {
  returned: 'no queue takes it',
  unrouted: 'no group is known to own its bucket: no database node has been seen yet',
  refused: 'a broker refuses it',
  disconnected: 'there is no connection to a broker',
  full: 'the brokers do not take it now',
  nacked: 'its queue is full, or a broker failed with it',
  unconfirmed: 'no confirm came from the brokers',
};

function obstacleOf(outcome: Exclude<PublishOutcome, { type: 'confirmed' }>): string {
  return 'reason' in outcome ? `${obstacles[outcome.type]} (${outcome.reason})` : obstacles[outcome.type];
}

function idSource() {
  return { nowMs: Date.now(), random: takeRandomBytes(ID_RANDOM_BYTES) };
}
