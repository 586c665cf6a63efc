import { randomBytes } from 'node:crypto';
import {
  pauseUnlessAborted,
  type CommandConsumer,
  type Delivery,
  type EventAnnouncer,
  type ReplySender,
  type ReplyTo,
} from '@eco/broker';
import {
  hasDueHolds,
  readLastSeqs,
  readSuspects,
  Retention,
  storeSuspects,
  sendHeartbeat,
  type LeaderTerm,
  type SuspectSet,
  type WriterSession,
} from '@eco/database';
import { readCommands, type Arrived, type Effects, type Failure } from '@eco/domain';
import type { Log } from '@eco/edge';
import { formatPosition, positionOf } from '@eco/routing';
import { Announcements } from './announcements.js';
import { DatabaseWait } from './database-wait.js';
import type { WriterMetrics } from './metrics.js';
import { settleBatch, type Committed, type OtherFailure, type SettleOptions } from './settle.js';
import { Suspects, TRIES_MAX, type Limits, type Part, type Taken } from './suspects.js';

/*
 * The active writer: take → load → decide → store → acknowledge → answer → announce, one batch after the other, each
 * as large as what arrived while the one before was stored.
 */

/** An idle leader sends a heartbeat after this time. */
const IDLE_MS = 1000;
/** A leader that can't take commands makes room for one that can. */
const UNSUBSCRIBED_MS_MAX = 5000;
const KEEP_MS = 180 * 86_400_000;
/** A server that refuses a batch for so long is left: perhaps another one is primary by now. */
const RETRY_MS = 10_000;
const RETRY_PAUSE_MS = { first: 50, max: 2000 };
/** Health tells of a batch that takes so long. */
const SLOW_MS = 5000;
/** Wait this long before retrying suspect commands. Otherwise a crash during start-up would be blamed on a command. */
const STEADY_MS = 1000;
/** While what is next may not be tried yet. */
const NOT_YET_MS = 250;
/**
 * Lines of one batch, of each queue, for each command of the limit; a line costs what a command of one line does. A batch
 * of 5,000 takes about half a second, one of 200,000 took longer than all deadlines.
 */
const LINES_PER_COMMAND = 5;
const ALL_LINES = 2 ** 31;
/** Of due reservations beside commands: they must not wait for these. */
const SWEPT_LINES = 500;
/** A limit that was halved since a batch was too large grows again by this much with each batch. */
const GROWTH = 1.1;
/** Batches up to this size log their correlation ids at info, larger ones at debug. */
const INFO_LOG_COMMANDS_MAX = 5;

/** Why a leadership ended. */
export type LeadershipEnd = { type: 'stopped' } | { type: 'unsubscribed'; obstacle: string } | OtherFailure;

export interface WriterParts {
  consumer: CommandConsumer;
  replies: ReplySender;
  announcer: EventAnnouncer;
  metrics: WriterMetrics;
  log: Log;
  /** Commands. */
  batchLimit: number;
  /** How long rows are kept that only late commands need, ms. */
  keepMs?: number;
}

/** What lasts as long as one leadership. */
interface TermContext {
  session: WriterSession;
  leaderTerm: LeaderTerm;
  announcements: Announcements;
  suspects: Suspects;
  retention: Retention;
}

interface TakenHere extends Taken {
  readonly delivery: Delivery;
}

export class Writer {
  #lastFailure: string | undefined;
  readonly #wait: DatabaseWait;
  /** Smaller than configured since a batch took too long. */
  #commandsMax: number;
  #suspects: Suspects | undefined;
  #hasOpenTry = false;
  /** Of each delivery the commands that are not settled. */
  readonly #left = new WeakMap<Delivery, Arrived[]>();
  /** Names this process in what it tries. */
  readonly #process = randomBytes(8).toString('hex');

  constructor(private readonly parts: WriterParts) {
    this.#commandsMax = parts.batchLimit;
    this.#wait = new DatabaseWait({ requeue: () => parts.consumer.stop(), log: parts.log });
  }

  /** For how long what is under way has waited for the database, ms; 0: nothing is. */
  get waitedMs(): number {
    return this.#wait.waitedMs;
  }

  /** How often the command that was tried by itself most often was; 0: there is none. More than 3 is for an operator. */
  get suspectTries(): number {
    return this.#suspects?.worst?.tries ?? 0;
  }

  /** It began to try suspects and has not settled them, though it lives: see `withdrawTries`. */
  get openTryOf(): string | undefined {
    return this.#hasOpenTry ? this.#process : undefined;
  }

  tryWithdrawn(): void {
    this.#hasOpenTry = false;
  }

  /** What keeps it from writing now; undefined while this writer is not the leader. */
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
    const { consumer, announcer } = this.parts;
    const [lastSeqs, sets] = await Promise.all([readLastSeqs(session), readSuspects(session)]);
    const announcements = new Announcements(announcer, leaderTerm, lastSeqs);
    const suspects = new Suspects(sets, performance.now());
    const retention = new Retention(this.parts.keepMs ?? KEEP_MS, performance.now());
    const context = { session, leaderTerm, announcements, suspects, retention };
    this.#suspects = suspects;
    announcements.start();
    try {
      if (!suspects.isEmpty) await pauseUnlessAborted(STEADY_MS, stop);
      let subscribedAt = performance.now();
      let isBehind = false;
      for (;;) {
        consumer.start();
        const deliveries = await takeWithin(consumer, this.#commandsMax, isBehind ? 0 : IDLE_MS, stop);
        if (deliveries.length === 0 && stop.aborted) return { type: 'stopped' };
        const taken = this.read(deliveries);
        const part = suspects.next(taken, this.#limits, performance.now());
        if (part === undefined) await pauseUnlessAborted(NOT_YET_MS, stop);
        const ended = await this.#wait.during(session, this.store(context, part));
        if (ended.type !== 'stored') return ended;
        isBehind = ended.isBehind;
        this.putBack(deliveries);
        // It takes again what it requeued itself.
        if (consumer.isSubscribed || deliveries.length > 0 || this.#wait.hasRequeued) subscribedAt = performance.now();
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

  /** All that one round of the loop asks of the database. `isBehind`: more is due, so the next round waits for nothing. */
  private async store(
    context: TermContext,
    part: Part<TakenHere> | undefined,
  ): Promise<OtherFailure | { type: 'stored'; isBehind: boolean }> {
    const { session, leaderTerm } = context;
    // A batch ends what is due before it decides, also one that has nothing to decide.
    const settled =
      part !== undefined && (part.taken.length > 0 || (await hasDueHolds(session)))
        ? await this.settle(context, part)
        : await sendHeartbeat(session, leaderTerm);
    if (settled !== undefined && settled.type !== 'committed' && settled.type !== 'again')
      return settled as OtherFailure;
    const isBehind = settled?.type === 'committed' && settled.effects.outcomes[0]?.kind === 'reservation.expire';
    return (await this.removeOld(context)) ?? { type: 'stored', isBehind };
  }

  get #limits(): Limits {
    return { commands: this.#commandsMax, lines: this.#commandsMax * LINES_PER_COMMAND };
  }

  /** The commands that are left of them, each with its delivery. */
  private read(deliveries: readonly Delivery[]): TakenHere[] {
    const taken: TakenHere[] = [];
    for (const delivery of deliveries) {
      let left = this.#left.get(delivery);
      if (left === undefined) {
        const { content } = delivery;
        left = readCommands(content.type === 'json' ? content.value : content.raw);
        // Who sent what can't be read is known to the broker, if to anybody.
        for (const one of left) if (!one.readable) one.sentBy ??= delivery.userId ?? null;
        this.#left.set(delivery, left);
      }
      for (const arrived of left) taken.push({ arrived, delivery });
    }
    return taken;
  }

  /** What is left of what was taken waits in front of its queue for the next batch. */
  private putBack(deliveries: readonly Delivery[]): void {
    const open = deliveries.filter((delivery) => (this.#left.get(delivery) as Arrived[]).length > 0);
    if (open.length > 0) this.parts.consumer.putBack(open);
  }

  /** Settles a part of what was taken. Committed: it is acknowledged, answered, announced. Again: a smaller part is to be tried. */
  private async settle(
    context: TermContext,
    part: Part<TakenHere>,
  ): Promise<Committed | OtherFailure | { type: 'again' }> {
    const { session, leaderTerm, suspects } = context;
    const { taken, suspect } = part;
    const isOver = part.needsVerdict === true && (await this.isOver(session, suspect));
    const begun = isOver ? undefined : suspects.begin(part);
    if (begun !== undefined) {
      const failure = await this.begin(context, begun);
      if (failure !== undefined) return failure as OtherFailure;
    }
    const arrived = taken.map((each) => each.arrived);
    const deliveryOf = new Map(taken.map((each) => [each.arrived, each.delivery]));
    const { lines } = this.#limits;
    const settled = await this.settleWithRetries(context, arrived, {
      ...(isOver ? { known: new Map(arrived.map((one) => [one, poisonFailure(one)])) } : {}),
      ...(suspect === undefined ? {} : { suspectIds: [suspect.suspectId] }),
      // One command is always loaded whole: there is nothing smaller to try.
      bounds: { lines: arrived.length === 1 ? ALL_LINES : lines, swept: arrived.length === 0 ? lines : SWEPT_LINES },
      queueOf: (one) => deliveryOf.get(one)?.queue ?? '',
    });
    const isUnharmed = settled.type === 'server-error' && !settled.lost;
    if (begun !== undefined && (isUnharmed || (settled.type === 'committed' && settled.arrived.length === 0))) {
      const failure = await storeSuspects(session, leaderTerm, this.#process, { stored: [suspects.absolve(begun)] });
      if (failure === undefined) this.#hasOpenTry = false;
    }
    if (settled.type !== 'committed') {
      if (settled.type !== 'server-error' || settled.isTooLarge !== true || this.#commandsMax === 1) return settled;
      this.#commandsMax = Math.max(1, Math.min(this.#commandsMax, arrived.length || this.#commandsMax) >> 1);
      this.parts.log.warn(
        { commands: arrived.length, limit: this.#commandsMax },
        'batch too large; trying a smaller one',
      );
      return { type: 'again' };
    }
    this.#commandsMax = Math.min(this.parts.batchLimit, Math.ceil(this.#commandsMax * GROWTH));
    if (settled.arrived.length > 0) {
      suspects.settled(part);
      this.#hasOpenTry = false;
    }
    const deliveries = settled.arrived.map((one) => deliveryOf.get(one) as Delivery);
    this.publishResults(context, settled, deliveries);
    return settled;
  }

  /** Stores what is about to be tried apart. */
  private async begin(
    { session, leaderTerm }: TermContext,
    { suspect, removed, stored }: Part & { suspect: SuspectSet },
  ) {
    const changes = { begun: suspect, ...(removed && { removed }), ...(stored && { stored }) };
    const { commandIds, tries } = suspect;
    this.parts.log.warn(
      { commands: commandIds.length, tries, first: commandIds[0] },
      'trying suspect commands separately after three deliveries',
    );
    this.#hasOpenTry = true;
    return storeSuspects(session, leaderTerm, this.#process, changes);
  }

  /** A single command that was tried often: as stored by now, since others may have withdrawn their tries meanwhile. */
  private async isOver(session: WriterSession, suspect: SuspectSet | undefined): Promise<boolean> {
    const stored = (await readSuspects(session)).find(({ suspectId }) => suspectId === suspect?.suspectId);
    return stored !== undefined && (stored.isCondemned || stored.processesEnded >= TRIES_MAX);
  }

  /**
   * Removes expired rows from time to time, in a batch without commands. A failure to do so does not end the
   * leadership.
   */
  private async removeOld(context: TermContext): Promise<OtherFailure | undefined> {
    const { session, leaderTerm, retention } = context;
    if (!retention.isDue(performance.now())) return undefined;
    try {
      const removals = await retention.find(session, performance.now());
      if (removals.length === 0) return undefined;
      const settled = await settleBatch(session, leaderTerm, [], { removals });
      if (settled.type === 'committed') {
        this.publishResults(context, settled, []);
        return undefined;
      }
      if (settled.type !== 'server-error' || settled.lost) return settled;
      throw settled.error;
    } catch (error) {
      this.parts.log.warn({ err: error }, 'rows whose time is over could not be removed now');
      retention.rest(performance.now());
      return undefined;
    }
  }

  /** Acknowledges, replies and announces after a commit. `deliveries` holds the delivery of each of its commands. */
  private publishResults({ announcements }: TermContext, committed: Committed, deliveries: readonly Delivery[]): void {
    const { consumer, replies, metrics } = this.parts;
    const { arrived, state, effects } = committed;
    const counts = new Map<Delivery, number>();
    for (const delivery of deliveries) counts.set(delivery, (counts.get(delivery) ?? 0) + 1);
    const over: Delivery[] = [];
    for (const [delivery, count] of counts) {
      const left = this.#left.get(delivery) as Arrived[];
      left.splice(0, count);
      delivery.commandCount = left.length;
      if (left.length === 0) over.push(delivery);
    }
    consumer.acknowledge(over);
    replies.send(repliesOf(arrived, deliveries, effects), formatPosition(positionOf([state.position])));
    announcements.announce(state, effects);
    metrics.observeBatch(committed, arrived.length);
    this.logBatch(arrived, committed);
  }

  /** The server's faults are nobody's: the same batch is tried again, unless the session is gone or it was too large. */
  private async settleWithRetries(
    { session, leaderTerm }: TermContext,
    arrived: readonly Arrived[],
    options: SettleOptions = {},
  ): Promise<Committed | OtherFailure> {
    const { metrics, log } = this.parts;
    const startedAt = performance.now();
    for (let pauseMs = RETRY_PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS.max)) {
      const settled = await settleBatch(session, leaderTerm, arrived, options);
      this.#lastFailure = settled.type === 'committed' ? undefined : settled.error.message;
      if (settled.type === 'committed') return settled;
      metrics.observeFailure(settled.type);
      log.warn(
        { failure: settled.type, err: settled.error, correlationIds: correlationIdsOf(arrived) },
        'batch not stored',
      );
      const canBeSmaller = settled.type === 'server-error' && settled.isTooLarge === true && this.#commandsMax > 1;
      if (canBeSmaller) return settled;
      const patient = settled.type === 'server-error' && !settled.lost && performance.now() - startedAt < RETRY_MS;
      if (!patient) return settled;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /**
   * Logs a line for the batch and one for each command: at info only for small batches, for which people wait. Dead
   * letters are always logged.
   */
  private logBatch(arrived: readonly Arrived[], { state, effects, ms }: Committed): void {
    const { log } = this.parts;
    const { term, seq } = state.position;
    const level = arrived.length <= INFO_LOG_COMMANDS_MAX ? 'info' : 'debug';
    if (log.isLevelEnabled(level)) {
      const correlationIds = level === 'info' ? correlationIdsOf(arrived) : undefined;
      const rounded = { load: Math.round(ms.load), decide: Math.round(ms.decide), store: Math.round(ms.store) };
      log[level]({ term, seq, commands: arrived.length, ms: rounded, correlationIds }, 'batch');
    }
    if (effects.deadLetters.length === 0 && !log.isLevelEnabled('debug')) return;
    arrived.forEach((one, index) => {
      const reply = effects.replies[index];
      if (reply === undefined) return;
      const { kind, correlationId } = one.readable ? one.command : { kind: undefined, correlationId: undefined };
      const fields = { commandId: reply.commandId, kind, correlationId, term, seq };
      if (reply.type === 'dead-letter') log.warn({ ...fields, reason: reply.reason }, 'dead letter');
      else if (reply.type === 'key-conflict') log.info(fields, 'key conflict');
      else log.debug({ ...fields, status: reply.status, repeated: reply.repeated }, 'outcome');
    });
  }
}

function correlationIdsOf(arrived: readonly Arrived[]): string[] {
  return arrived.flatMap((one) => (one.readable ? [one.command.correlationId] : []));
}

function poisonFailure(one: Arrived): Failure {
  const failureSite = one.readable ? one.command.kind : one.failureSite;
  return {
    errorClass: 'process',
    failureSite,
    reason: `${TRIES_MAX} processes ended while each tried it alone, or an operator condemned it`,
  };
}

/** What has arrived; none when nothing does within `idleMs`, or `stop` aborts. */
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

/** To those who wait for one. */
function repliesOf(arrived: readonly Arrived[], deliveries: readonly Delivery[], { replies }: Effects): ReplyTo[] {
  const addressed: ReplyTo[] = [];
  arrived.forEach((one, index) => {
    const address = deliveries[index]?.replyTo;
    const reply = replies[index];
    if (!one.readable || one.command.reply !== true || address === undefined || reply === undefined) return;
    addressed.push({ address, stamp: one.command.stamp, reply });
  });
  return addressed;
}
