import { randomBytes } from 'node:crypto';
import { doubledMs, NO_TRACER, sleep, type Log, type Tracer } from '@eco/base';
import {
  readContent,
  type CommandConsumer,
  type Delivery,
  type EventAnnouncer,
  type ReplySender,
  type ReplyTo,
} from '@eco/broker';
import { stampMs, type Stamp } from '@eco/contracts';
import { readCommands, unreadMessage, type Arrived, type Failure } from '@eco/domain';
import { formatPosition, positionOf } from '@eco/routing';
import {
  DatabaseWait,
  hasDueHolds,
  readLastSeqs,
  readSuspects,
  Retention,
  type RetentionTimes,
  sendHeartbeat,
  settleBatch,
  storeSuspects,
  Suspects,
  TRIES_MAX,
  type Committed,
  type LeaderLoop,
  type LeadershipEnd,
  type LeaderTerm,
  type Limits,
  type OtherFailure,
  type Part,
  type SettleOptions,
  type SuspectSet,
  type Taken,
  type WriterSession,
} from '@eco/writer';
import { Announcements } from './announcements.js';
import { traceBatch } from './batch-spans.js';
import type { WriterMetrics } from './metrics.js';

/*
 * The active writer's loop: take → load → decide → store → acknowledge → reply → announce. Each batch takes what
 * arrived while the previous one was stored.
 */

/** Time after which an idle leader sends a heartbeat, ms. */
const IDLE_MS = 1000;
/** Time without a subscription after which a leader gives up, ms. */
const UNSUBSCRIBED_MS_MAX = 5000;
const RETENTION_DEFAULT: RetentionTimes = { keepMs: 180 * 86_400_000, contentMs: 7 * 86_400_000 };
/** Time with a failing server after which the leader gives up, ms: another node may be the primary by now. */
const RETRY_MS = 10_000;
const RETRY_PAUSE = { firstMs: 50, capMs: 2000 };
/** Duration from which health reports a batch, ms. */
const SLOW_MS = 5000;
/** Wait this long before retrying suspect commands. Otherwise a crash during start-up would be blamed on a command. */
const STEADY_MS = 1000;
/** Pause if the next commands may not be tried yet, ms. */
const NOT_YET_MS = 250;
/**
 * Lines per queue in one batch, for each command of the limit. A line costs as much as a command with one line. A batch
 * of 5,000 lines takes about half a second. A batch of 200,000 lines took longer than all deadlines.
 */
const LINES_PER_COMMAND = 5;
const ALL_LINES = 2 ** 31;
/** Most lines of due reservations in a batch with commands, because the commands must not wait for them. */
const SWEPT_LINES = 500;
/** Factor by which a halved limit grows with each batch. */
const GROWTH = 1.1;
/** Largest batch whose correlation ids are logged at info; those of larger ones are logged at debug. */
const INFO_LOG_COMMANDS_MAX = 5;

export interface WriterParts {
  consumer: CommandConsumer;
  replies: ReplySender;
  announcer: EventAnnouncer;
  metrics: WriterMetrics;
  log: Log;
  /** Absent: no spans are recorded. */
  tracer?: Tracer;
  /** Most commands in one batch. */
  batchLimit: number;
  retention?: RetentionTimes;
}

/** Objects that last as long as one leadership. */
interface TermContext {
  session: WriterSession;
  leaderTerm: LeaderTerm;
  announcements: Announcements;
  suspects: Suspects;
  retention: Retention;
}

/** A command, or an unread message, with the delivery that contained it, from the queue to its acknowledgement. */
interface Delivered extends Taken {
  readonly delivery: Delivery;
}

export class Writer implements LeaderLoop {
  #lastFailure: string | undefined;
  readonly #wait: DatabaseWait;
  /** Most commands of the next batch. It is below the configured limit after a batch that took too long. */
  #commandsMax: number;
  #suspects: Suspects | undefined;
  #hasOpenTry = false;
  /** The commands of each delivery, in order; one for an unread message. The last `commandCount` commands are not settled. */
  readonly #delivered = new WeakMap<Delivery, readonly Delivered[]>();
  /** Name of this process in the rows of suspects. */
  readonly #process = randomBytes(8).toString('hex');
  /** See `oldestUndecidedMs`. */
  #oldestUndecidedMs: number | undefined;
  readonly #parts: WriterParts;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#commandsMax = parts.batchLimit;
    this.#wait = new DatabaseWait({ requeue: () => parts.consumer.stop(), log: parts.log });
  }

  /** Time for which the current work has waited for the database, ms. 0: nothing waits. */
  get waitedMs(): number {
    return this.#wait.waitedMs;
  }

  /**
   * When the oldest order that was taken and is not decided was accepted, ms since 1970; undefined: there is none. A queue
   * delivers in order, so the orders behind it were accepted later.
   */
  get oldestUndecidedMs(): number | undefined {
    return this.#oldestUndecidedMs;
  }

  /** The most tries of any command that was tried alone; 0: there is none. Above 3 an operator must decide. */
  get suspectTries(): number {
    return this.#suspects?.worst?.tries ?? 0;
  }

  /**
   * Name of this process if it began to try suspects and has not settled them. It is alive, so it withdraws the try:
   * see `withdrawTries`.
   */
  get openTryOf(): string | undefined {
    return this.#hasOpenTry ? this.#process : undefined;
  }

  tryWithdrawn(): void {
    this.#hasOpenTry = false;
  }

  /** The reason why the leader can't write now. Undefined: it can, or this writer is not the leader. */
  get obstacle(): string | undefined {
    const suspect = this.#suspects?.worst;
    if (suspect !== undefined && suspect.tries > TRIES_MAX) {
      const [commandId = ''] = suspect.commandIds;
      return `command ${commandId} was tried alone ${suspect.tries} times and each session ended: eco.suspect, see docs/operations.md`;
    }
    const waited = this.waitedMs;
    if (waited < SLOW_MS) return undefined;
    const why = this.#lastFailure ?? 'no answer; a COMMIT waits while no replica streams';
    return `a batch has waited ${Math.round(waited / 1000)} s for the database: ${why}`;
  }

  /** Writes until `stop` aborts or the leadership ends. On return, no delivery stays unacknowledged in this process. */
  async lead(session: WriterSession, leaderTerm: LeaderTerm, stop: AbortSignal): Promise<LeadershipEnd> {
    const { consumer, announcer } = this.#parts;
    const [lastSeqs, sets] = await Promise.all([readLastSeqs(session), readSuspects(session)]);
    const announcements = new Announcements(announcer, leaderTerm, lastSeqs);
    const suspects = new Suspects(sets, performance.now());
    const retention = new Retention(this.#parts.retention ?? RETENTION_DEFAULT, performance.now());
    const context = { session, leaderTerm, announcements, suspects, retention };
    this.#suspects = suspects;
    announcements.start();
    try {
      if (!suspects.isEmpty) await sleep(STEADY_MS, stop);
      let subscribedAt = performance.now();
      let isBehind = false;
      for (;;) {
        consumer.start();
        const deliveries = await takeWithin(consumer, this.#commandsMax, isBehind ? 0 : IDLE_MS, stop);
        if (deliveries.length === 0 && stop.aborted) return { type: 'stopped' };
        const part = suspects.next(this.#unsettled(deliveries), this.#limits, performance.now());
        if (part === undefined) await sleep(NOT_YET_MS, stop);
        const ended = await this.#wait.during(session, this.#store(context, part));
        if (ended.type !== 'stored') return ended;
        isBehind = ended.isBehind;
        // Unsettled commands wait at the front of their queue for the next batch.
        consumer.putBack(deliveries.filter(({ commandCount }) => commandCount > 0));
        // Deliveries that the leader requeued itself come back, so this counts as being subscribed. So does the wait for
        // another subscriber: each new leader would have to wait for it again.
        const isSubscribed = consumer.isSubscribed || consumer.isTakingOver;
        if (isSubscribed || deliveries.length > 0 || this.#wait.hasRequeued) subscribedAt = performance.now();
        else if (performance.now() - subscribedAt > UNSUBSCRIBED_MS_MAX) {
          return { type: 'unsubscribed', obstacle: consumer.obstacle ?? 'not subscribed' };
        }
      }
    } finally {
      this.#suspects = undefined;
      announcements.stop();
      await consumer.stop();
    }
  }

  /**
   * Does everything for which one round of the loop needs the database. `isBehind`: more is due, so the next round
   * starts at once.
   */
  async #store(
    context: TermContext,
    part: Part<Delivered> | undefined,
  ): Promise<OtherFailure | { type: 'stored'; isBehind: boolean }> {
    const { session, leaderTerm } = context;
    // A batch ends due reservations before it decides, so one without commands is needed if some are due.
    const settled =
      part !== undefined && (part.taken.length > 0 || (await hasDueHolds(session)))
        ? await this.#settle(context, part)
        : await sendHeartbeat(session, leaderTerm);
    if (settled !== undefined && settled.type !== 'committed' && settled.type !== 'again') return settled;
    const isBehind = settled?.type === 'committed' && settled.effects.outcomes[0]?.kind === 'reservation.expire';
    return (await this.#removeOld(context)) ?? { type: 'stored', isBehind };
  }

  get #limits(): Limits {
    return { commands: this.#commandsMax, lines: this.#commandsMax * LINES_PER_COMMAND };
  }

  /** The unsettled commands of these deliveries. */
  #unsettled(deliveries: readonly Delivery[]): Delivered[] {
    const unsettled: Delivered[] = [];
    for (const delivery of deliveries) {
      let delivered = this.#delivered.get(delivery);
      if (delivered === undefined) this.#keep(delivery, (delivered = deliveredIn(delivery)));
      for (let i = delivered.length - delivery.commandCount; i < delivered.length; i += 1) {
        unsettled.push(delivered[i] as Delivered);
      }
    }
    this.#oldestUndecidedMs = oldestOrderMs(unsettled);
    return unsettled;
  }

  #keep(delivery: Delivery, delivered: readonly Delivered[]): void {
    delivery.commandCount = delivered.length;
    this.#delivered.set(delivery, delivered);
  }

  /**
   * Settles a part of the taken commands. `committed`: they are acknowledged, replied to and announced. `again`: a
   * smaller part must be tried.
   */
  async #settle(
    context: TermContext,
    part: Part<Delivered>,
  ): Promise<Committed<Delivered> | OtherFailure | { type: 'again' }> {
    const { session, leaderTerm, suspects } = context;
    const { taken, suspect } = part;
    const isOver = part.needsVerdict === true && (await this.#isOver(session, suspect));
    const begun = isOver ? undefined : suspects.begin(part);
    if (begun !== undefined) {
      const failure = await this.#begin(context, begun);
      if (failure !== undefined) return failure;
      if (taken.some(({ unreadBytes }) => unreadBytes !== undefined)) return this.#read(context, begun);
    }
    const { lines } = this.#limits;
    const settled = await this.#settleWithRetries(context, taken, {
      ...(isOver ? { known: new Map(taken.map(({ arrived }) => [arrived, poisonFailure(arrived)])) } : {}),
      ...(suspect === undefined ? {} : { suspectIds: [suspect.suspectId] }),
      // A single command is always loaded whole, because nothing smaller can be tried.
      bounds: { lines: taken.length === 1 ? ALL_LINES : lines, swept: taken.length === 0 ? lines : SWEPT_LINES },
    });
    const isUnharmed = settled.type === 'server-error' && !settled.lost;
    if (begun !== undefined && (isUnharmed || (settled.type === 'committed' && settled.taken.length === 0))) {
      const failure = await storeSuspects(session, leaderTerm, this.#process, { stored: [suspects.absolve(begun)] });
      if (failure === undefined) this.#hasOpenTry = false;
    }
    if (settled.type !== 'committed') {
      if (settled.type !== 'server-error' || settled.isTooLarge !== true || this.#commandsMax === 1) return settled;
      this.#commandsMax = Math.max(1, Math.min(this.#commandsMax, taken.length || this.#commandsMax) >> 1);
      this.#parts.log.warn(
        { commands: taken.length, limit: this.#commandsMax },
        'batch too large; trying a smaller one',
      );
      return { type: 'again' };
    }
    this.#commandsMax = Math.min(this.#parts.batchLimit, Math.ceil(this.#commandsMax * GROWTH));
    if (settled.taken.length > 0) {
      suspects.settled(part);
      this.#hasOpenTry = false;
    }
    this.#publishResults(context, settled);
    return settled;
  }

  /**
   * Parses messages that may have ended earlier processes. If the process survives, their commands are tried next, in
   * sets of their own.
   */
  async #read(
    { session, leaderTerm, suspects }: TermContext,
    { taken, suspect }: Part<Delivered> & { suspect: SuspectSet },
  ): Promise<OtherFailure | { type: 'again' }> {
    for (const { delivery } of taken) {
      readContent(delivery);
      this.#keep(delivery, deliveredIn(delivery));
    }
    const removed = [suspect.suspectId];
    const failure = await storeSuspects(session, leaderTerm, this.#process, { removed });
    if (failure !== undefined) return failure;
    suspects.settled({ suspect });
    this.#hasOpenTry = false;
    return { type: 'again' };
  }

  /** Stores the suspect set before it is tried. */
  async #begin({ session, leaderTerm }: TermContext, { suspect, removed, stored }: Part & { suspect: SuspectSet }) {
    const changes = { begun: suspect, ...(removed && { removed }), ...(stored && { stored }) };
    const { commandIds, tries } = suspect;
    this.#parts.log.warn(
      { commands: commandIds.length, tries, first: commandIds[0] },
      'trying suspect commands separately after three deliveries',
    );
    this.#hasOpenTry = true;
    return storeSuspects(session, leaderTerm, this.#process, changes);
  }

  /**
   * Whether a command that was tried often becomes a dead letter. The stored rows decide, because other processes may
   * have withdrawn tries meanwhile.
   */
  async #isOver(session: WriterSession, suspect: SuspectSet | undefined): Promise<boolean> {
    const stored = (await readSuspects(session)).find(({ suspectId }) => suspectId === suspect?.suspectId);
    return stored !== undefined && (stored.isCondemned || stored.processesEnded >= TRIES_MAX);
  }

  /** Removes expired rows from time to time, in a batch without commands. If that fails, the leadership goes on. */
  async #removeOld(context: TermContext): Promise<OtherFailure | undefined> {
    const { session, leaderTerm, retention } = context;
    if (!retention.isDue(performance.now())) return undefined;
    try {
      const removals = await retention.find(session, performance.now());
      if (removals.length === 0) return undefined;
      const settled = await settleBatch<Delivered>(session, leaderTerm, [], { removals });
      if (settled.type === 'committed') {
        this.#publishResults(context, settled);
        return undefined;
      }
      if (settled.type !== 'server-error' || settled.lost) return settled;
      throw settled.error;
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'expired rows could not be removed now');
      retention.rest(performance.now());
      return undefined;
    }
  }

  /** Acknowledges the messages, replies to callers and announces the changes, after a commit. */
  #publishResults({ announcements }: TermContext, committed: Committed<Delivered>): void {
    const { consumer, replies, metrics } = this.#parts;
    const { taken, state, effects } = committed;
    const over: Delivery[] = [];
    const addressed: ReplyTo[] = [];
    for (let i = 0; i < taken.length; i += 1) {
      const { arrived, delivery } = taken[i] as Delivered;
      delivery.commandCount -= 1;
      if (delivery.commandCount === 0) over.push(delivery);
      const address = delivery.replyTo;
      const reply = effects.replies[i];
      const stamp = replyStampOf(arrived);
      if (stamp === undefined || address === undefined || reply === undefined) continue;
      addressed.push({ address, stamp, reply });
    }
    if (over.length > 0) this.#oldestUndecidedMs = undefined;
    consumer.acknowledge(over);
    replies.send(addressed, formatPosition(positionOf([state.position])));
    announcements.announce(state, effects);
    metrics.observeBatch(committed);
    traceBatch(this.#parts.tracer ?? NO_TRACER, committed);
    this.#logBatch(committed);
  }

  /** Retries the same batch after a server error, unless the session is gone or the batch was too large. */
  async #settleWithRetries(
    { session, leaderTerm }: TermContext,
    taken: readonly Delivered[],
    options: SettleOptions,
  ): Promise<Committed<Delivered> | OtherFailure> {
    const { metrics, log } = this.#parts;
    const startedAt = performance.now();
    for (let failures = 1; ; failures += 1) {
      const settled = await settleBatch(session, leaderTerm, taken, options);
      this.#lastFailure = settled.type === 'committed' ? undefined : settled.error.message;
      if (settled.type === 'committed') return settled;
      metrics.observeFailure(settled.type);
      log.warn(
        { failure: settled.type, err: settled.error, correlationIds: correlationIdsOf(taken) },
        'batch not stored',
      );
      const canBeSmaller = settled.type === 'server-error' && settled.isTooLarge === true && this.#commandsMax > 1;
      if (canBeSmaller) return settled;
      const patient = settled.type === 'server-error' && !settled.lost && performance.now() - startedAt < RETRY_MS;
      if (!patient) return settled;
      await sleep(doubledMs(failures, RETRY_PAUSE));
    }
  }

  /**
   * Logs one line for the batch and one for each command. Lines of commands are at info only for small batches, which a
   * person may be watching. Dead letters are always logged.
   */
  #logBatch({ taken, state, effects, ms }: Committed): void {
    const { log } = this.#parts;
    const { term, seq } = state.position;
    const level = taken.length <= INFO_LOG_COMMANDS_MAX ? 'info' : 'debug';
    if (log.isLevelEnabled(level)) {
      const correlationIds = level === 'info' ? correlationIdsOf(taken) : undefined;
      const rounded = { load: Math.round(ms.load), decide: Math.round(ms.decide), store: Math.round(ms.store) };
      log[level]({ term, seq, commands: taken.length, ms: rounded, correlationIds }, 'batch');
    }
    for (const { commandId, kind, sender, reason } of effects.forbidden) {
      log.warn({ commandId, kind, sender, reason, term, seq }, 'forbidden command: the sender may not send it');
    }
    if (effects.deadLetters.length === 0 && !log.isLevelEnabled('debug')) return;
    taken.forEach(({ arrived }, index) => {
      const reply = effects.replies[index];
      if (reply === undefined) return;
      const { kind, correlationId } = arrived.readable
        ? arrived.command
        : { kind: undefined, correlationId: undefined };
      const fields = { commandId: reply.commandId, kind, correlationId, term, seq };
      if (reply.type === 'dead-letter') log.warn({ ...fields, reason: reply.reason }, 'dead letter');
      else if (reply.type === 'key-conflict') log.info(fields, 'key conflict');
      else log.debug({ ...fields, status: reply.status, repeated: reply.repeated }, 'outcome');
    });
  }
}

/** The stamp under which a caller waits for the reply. Undefined: the command does not say that one waits. */
function replyStampOf(arrived: Arrived): Stamp | undefined {
  if (!arrived.readable) return arrived.replyStamp;
  return arrived.command.reply === true ? arrived.command.stamp : undefined;
}

function correlationIdsOf(taken: readonly Taken[]): string[] {
  return taken.flatMap(({ arrived }) => (arrived.readable ? [arrived.command.correlationId] : []));
}

function deliveredIn(delivery: Delivery): Delivered[] {
  const { content, queue, deliveryCount, userId } = delivery;
  const sender = userId ?? null;
  const isUnread = content.type === 'unread';
  const commands = isUnread
    ? [unreadMessage(content.raw, sender)]
    : readCommands(content.type === 'json' ? content.value : content.raw, sender);
  return commands.map((arrived) => {
    // Only the broker can know who sent an unreadable command.
    if (!arrived.readable) arrived.sentBy ??= sender;
    return { arrived, queue, deliveryCount, delivery, ...(isUnread && { unreadBytes: content.raw.length }) };
  });
}

function oldestOrderMs(commands: readonly Delivered[]): number | undefined {
  let oldest = Infinity;
  for (const { arrived } of commands) {
    if (arrived.readable && ORDERS.has(arrived.command.kind)) oldest = Math.min(oldest, stampMs(arrived.command.stamp));
  }
  return oldest === Infinity ? undefined : oldest;
}

/** The commands that become orders. */
const ORDERS: ReadonlySet<string> = new Set(['order.place', 'cart.checkout']);

function poisonFailure(one: Arrived): Failure {
  const failureSite = one.readable ? one.command.kind : one.failureSite;
  return {
    errorClass: 'process',
    failureSite,
    reason: `${TRIES_MAX} processes ended while each tried it alone, or an operator condemned it`,
  };
}

/** Returns the deliveries that have arrived. Empty: none arrived within `idleMs`, or `stop` aborted. */
async function takeWithin(
  consumer: CommandConsumer,
  maxCommands: number,
  idleMs: number,
  stop: AbortSignal,
): Promise<Delivery[]> {
  const enough = new AbortController();
  const abort = () => enough.abort();
  const timer = setTimeout(abort, idleMs);
  stop.addEventListener('abort', abort);
  if (stop.aborted) abort();
  try {
    return await consumer.take(maxCommands, enough.signal);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', abort);
  }
}
