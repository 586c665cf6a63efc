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
  touchReign,
  type Reign,
  type WriterSession,
} from '@eco/database';
import { readCommands, type Arrived, type Effects, type Failure } from '@eco/domain';
import type { Log } from '@eco/edge';
import { formatPosition, positionOf } from '@eco/routing';
import { Announcements } from './announcements.js';
import type { WriterMetrics } from './metrics.js';
import { settleBatch, type Committed, type OtherFault, type SettleOptions } from './settle.js';
import { Suspects, SUSPICIOUS_DELIVERIES, TRIES_MAX } from './suspects.js';

/*
 * The active writer: take → load → decide → store → acknowledge → answer → announce, one batch after the other, each
 * as large as what arrived while the one before was stored.
 */

/** After so long without anything to do it shows that it lives. */
const IDLE_MS = 1000;
/** A leader that can't take commands makes room for one that can. */
const UNSUBSCRIBED_MS_MAX = 5000;
const HOLD_MS = 60_000;
const KEEP_MS = 180 * 86_400_000;
/** A server that refuses a batch for so long is left: perhaps another one is primary by now. */
const RETRY_MS = 10_000;
const RETRY_PAUSE_MS = { first: 50, max: 2000 };
/** Health tells of a batch that takes so long. */
const SLOW_MS = 5000;
/**
 * A process lives for so long before it tries again what a reign ended over: what ends writers while they start is no
 * command, and is not to be blamed on one.
 */
const STEADY_MS = 1000;
/** So few commands in a batch, and their correlation ids are told at level info. */
const FEW = 5;

/** Why a reign was over. */
export type ReignEnd = { type: 'stopped' } | { type: 'unsubscribed'; obstacle: string } | OtherFault;

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
  /** What is not settled by then goes back to the queues, ms; the broker takes a consumer that keeps it for dead. */
  holdMs?: number;
}

/** What lasts as long as a reign. */
interface Reigning {
  session: WriterSession;
  reign: Reign;
  announcements: Announcements;
  suspects: Suspects;
  retention: Retention;
  stop: AbortSignal;
}

export class Writer {
  #underWaySince: number | undefined;
  #lastFault: string | undefined;
  #gaveBack = false;

  constructor(private readonly parts: WriterParts) {}

  /** For how long what is under way has waited for the database, ms; 0: nothing is. */
  get waitedMs(): number {
    return this.#underWaySince === undefined ? 0 : performance.now() - this.#underWaySince;
  }

  /** What keeps it from writing just now; undefined while it does not reign. */
  get obstacle(): string | undefined {
    const waited = this.waitedMs;
    if (waited < SLOW_MS) return undefined;
    const why = this.#lastFault ?? 'no answer; a COMMIT waits while no replica streams';
    return `a batch has waited ${Math.round(waited / 1000)} s for the database: ${why}`;
  }

  /** Writes until `stop` aborts or the reign is over; then nothing that was taken stays unacknowledged here. */
  async reign(session: WriterSession, reign: Reign, stop: AbortSignal): Promise<ReignEnd> {
    const { consumer, announcer, batchLimit } = this.parts;
    const [lastSeqs, suspects] = await Promise.all([readLastSeqs(session), readSuspects(session)]);
    const reigning = {
      session,
      reign,
      announcements: new Announcements(announcer, reign, lastSeqs),
      suspects: new Suspects(suspects),
      retention: new Retention(this.parts.keepMs ?? KEEP_MS, performance.now()),
      stop,
    };
    const { announcements } = reigning;
    announcements.start();
    try {
      if (reigning.suspects.areThere) await pauseUnlessAborted(STEADY_MS, stop);
      let subscribedAt = performance.now();
      for (;;) {
        this.#gaveBack = false;
        consumer.start();
        const deliveries = await takeWithin(consumer, batchLimit, IDLE_MS, stop);
        if (deliveries.length === 0 && stop.aborted) return { type: 'stopped' };
        // A batch ends what is due before it decides, one that has nothing to decide too.
        const fault =
          deliveries.length > 0 || (await hasDueHolds(session))
            ? await this.settle(reigning, deliveries)
            : await this.waiting(touchReign(session, reign));
        if (fault !== undefined) return fault as OtherFault;
        const removalFault = await this.removeOld(reigning);
        if (removalFault !== undefined) return removalFault;
        // What it gave back itself it takes again from now on.
        if (consumer.isSubscribed || deliveries.length > 0 || this.#gaveBack) subscribedAt = performance.now();
        else if (performance.now() - subscribedAt > UNSUBSCRIBED_MS_MAX) {
          return { type: 'unsubscribed', obstacle: consumer.obstacle ?? 'not subscribed' };
        }
      }
    } finally {
      announcements.stop();
      await consumer.stop();
    }
  }

  /** Settles what was taken. Undefined: it is committed, acknowledged, answered, announced. */
  private async settle(reigning: Reigning, deliveries: Delivery[]): Promise<OtherFault | undefined> {
    const arrived: Arrived[] = [];
    const askedBy: Delivery[] = [];
    for (const delivery of deliveries) {
      const { content } = delivery;
      for (const one of readCommands(content.type === 'json' ? content.value : content.raw)) {
        // Who sent what can't be read is known to the broker, if to anybody.
        if (!one.readable) one.sentBy ??= delivery.userId ?? null;
        arrived.push(one);
        askedBy.push(delivery);
      }
    }

    const isSuspicious =
      reigning.suspects.areThere || deliveries.some(({ deliveryCount }) => deliveryCount >= SUSPICIOUS_DELIVERIES);
    const settled = await this.waiting<Committed | OtherFault | undefined>(
      isSuspicious ? this.settleApart(reigning, arrived, askedBy) : this.settleWithRetries(reigning, arrived),
    );
    if (settled === undefined) return undefined;
    if (settled.type !== 'committed') return settled;
    this.tell(reigning, settled, arrived, askedBy, deliveries);
    return undefined;
  }

  /** Now and then: removes rows whose time is over, in a batch without commands. That it can't is no reason to end a reign. */
  private async removeOld(reigning: Reigning): Promise<OtherFault | undefined> {
    const { session, reign, retention } = reigning;
    if (!retention.isDue(performance.now())) return undefined;
    try {
      const removals = await retention.find(session, performance.now());
      if (removals.length === 0) return undefined;
      const settled = await this.waiting(settleBatch(session, reign, [], { removals }));
      if (settled.type === 'committed') {
        this.tell(reigning, settled, [], [], []);
        return undefined;
      }
      if (settled.type !== 'server-fault' || settled.lost) return settled;
      throw settled.error;
    } catch (error) {
      this.parts.log.warn({ err: error }, 'rows whose time is over could not be removed now');
      retention.rest(performance.now());
      return undefined;
    }
  }

  /** Of a committed part of a batch. `over`: all that lay in these is settled. */
  private tell(
    { announcements }: Reigning,
    committed: Committed,
    arrived: readonly Arrived[],
    askedBy: readonly Delivery[],
    over: Delivery[],
  ): void {
    const { consumer, replies, metrics } = this.parts;
    const { state, effects } = committed;
    consumer.acknowledge(over);
    replies.send(repliesOf(arrived, askedBy, effects), formatPosition(positionOf([state.position])));
    announcements.announce(state, effects);
    metrics.observeBatch(committed, arrived.length);
    this.logBatch(arrived, committed);
  }

  /** Part by part: some of it came three times, or a reign ended over it. See `suspects.ts`. Undefined: all that it tried. */
  private async settleApart(
    reigning: Reigning,
    arrived: readonly Arrived[],
    askedBy: readonly Delivery[],
  ): Promise<OtherFault | undefined> {
    const { session, reign, suspects, stop } = reigning;
    const { log } = this.parts;
    const counts = askedBy.map(({ deliveryCount }) => deliveryCount);
    const { parts, ...division } = suspects.divide(arrived, counts);
    let { removed, stored } = division;
    const open = new Map<Delivery, number>();
    for (const delivery of askedBy) open.set(delivery, (open.get(delivery) ?? 0) + 1);
    for (const part of parts) {
      if (stop.aborted) return undefined;
      const begun = suspects.begin(part);
      if (begun !== undefined) {
        const fault = await storeSuspects(session, reign, { removed, stored: [...stored, begun] });
        if (fault !== undefined) return fault as OtherFault;
        [removed, stored] = [[], []];
        const { commandIds, tries } = begun;
        log.warn({ commands: commandIds.length, tries, first: commandIds[0] }, 'tried apart: it came three times');
      }
      const tried = part.indices.map((index) => arrived[index] as Arrived);
      const settled = await this.settleWithRetries(reigning, tried, {
        ...(part.isOver ? { known: new Map(tried.map((one) => [one, overWhich(one)])) } : {}),
        ...(part.suspect === undefined ? {} : { suspectIds: [part.suspect.suspectId] }),
      });
      if (settled.type !== 'committed') {
        const absolved = settled.type === 'server-fault' && !settled.lost ? suspects.absolve(part) : undefined;
        if (absolved !== undefined) await storeSuspects(session, reign, { removed: [], stored: [absolved] });
        return settled;
      }
      suspects.settled(part);
      const tellers = part.indices.map((index) => askedBy[index] as Delivery);
      const over = tellers.filter((delivery) => {
        const left = (open.get(delivery) ?? 0) - 1;
        open.set(delivery, left);
        return left === 0;
      });
      this.tell(reigning, settled, tried, tellers, over);
    }
    return undefined;
  }

  /** The server's faults are nobody's: the same batch is tried again, unless the session is gone. */
  private async settleWithRetries(
    { session, reign }: Reigning,
    arrived: readonly Arrived[],
    options: SettleOptions = {},
  ): Promise<Committed | OtherFault> {
    const { metrics, log } = this.parts;
    const startedAt = performance.now();
    for (let pauseMs = RETRY_PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS.max)) {
      const settled = await settleBatch(session, reign, arrived, options);
      this.#lastFault = settled.type === 'committed' ? undefined : settled.error.message;
      if (settled.type === 'committed') return settled;
      metrics.observeFault(settled.type);
      log.warn(
        { fault: settled.type, err: settled.error, correlationIds: correlationIdsOf(arrived) },
        'batch not stored',
      );
      const patient = settled.type === 'server-fault' && !settled.lost && performance.now() - startedAt < RETRY_MS;
      if (!patient) return settled;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /**
   * Waits for the database. When that takes too long, all that was delivered goes back to the queues, also while a COMMIT
   * waits for a replica, or a sign of life does and what arrived was not even looked at: a late answer then acknowledges
   * nothing, and what comes again gets its first outcome.
   */
  private async waiting<T>(work: Promise<T>): Promise<T> {
    const ms = this.parts.holdMs ?? HOLD_MS;
    let givenBack: Promise<void> | undefined;
    const timer = setTimeout(() => {
      this.parts.log.warn({ ms }, 'the database takes too long: what was taken goes back to the queues');
      this.#gaveBack = true;
      givenBack = this.parts.consumer.stop();
    }, ms);
    this.#underWaySince = performance.now();
    try {
      return await work;
    } finally {
      this.#underWaySince = undefined;
      clearTimeout(timer);
      await givenBack;
    }
  }

  /** A line a batch, and one a command; at level info only what few people wait for. Dead letters are always told. */
  private logBatch(arrived: readonly Arrived[], { state, effects, ms }: Committed): void {
    const { log } = this.parts;
    const { term, seq } = state.position;
    const level = arrived.length <= FEW ? 'info' : 'debug';
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

function overWhich(one: Arrived): Failure {
  const place = one.readable ? one.command.kind : one.place;
  return { errorClass: 'process', place, reason: `${TRIES_MAX} times a reign ended while it was tried alone` };
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
function repliesOf(arrived: readonly Arrived[], askedBy: readonly Delivery[], { replies }: Effects): ReplyTo[] {
  const told: ReplyTo[] = [];
  arrived.forEach((one, index) => {
    const address = askedBy[index]?.replyTo;
    const reply = replies[index];
    if (!one.readable || one.command.reply !== true || address === undefined || reply === undefined) return;
    told.push({ address, stamp: one.command.stamp, reply });
  });
  return told;
}
