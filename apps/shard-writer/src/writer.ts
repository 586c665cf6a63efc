import type { CommandConsumer, Delivery, EventAnnouncer, ReplySender, ReplyTo } from '@eco/broker';
import { hasDueHolds, readLastSeqs, touchReign, type Reign, type WriterSession } from '@eco/database';
import { readCommands, type Arrived, type Effects } from '@eco/domain';
import type { Log } from '@eco/edge';
import { formatPosition, positionOf } from '@eco/routing';
import { Announcements } from './announcements.js';
import type { WriterMetrics } from './metrics.js';
import { settleBatch, type Committed, type OtherFault } from './settle.js';

/*
 * The active writer: take → load → decide → store → acknowledge → answer → announce, one batch after the other, each
 * as large as what arrived while the one before was stored.
 */

/** After so long without anything to do it shows that it lives. */
const IDLE_MS = 1000;
/** A leader that can't take commands makes room for one that can. */
const UNSUBSCRIBED_MS_MAX = 5000;
const HOLD_MS = 60_000;
/** A server that refuses a batch for so long is left: perhaps another one is primary by now. */
const RETRY_MS = 10_000;
const RETRY_PAUSE_MS = { first: 50, max: 2000 };
/** Health tells of a batch that takes so long. */
const SLOW_MS = 5000;
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
  /** What is not settled by then goes back to the queues, ms; the broker takes a consumer that keeps it for dead. */
  holdMs?: number;
}

export class Writer {
  #underWaySince: number | undefined;
  #lastFault: string | undefined;

  constructor(private readonly parts: WriterParts) {}

  /** What keeps it from writing just now; undefined while it does not reign. */
  get obstacle(): string | undefined {
    if (this.#underWaySince === undefined) return undefined;
    const waited = performance.now() - this.#underWaySince;
    if (waited < SLOW_MS) return undefined;
    const why = this.#lastFault ?? 'no answer; a COMMIT waits while no replica streams';
    return `a batch has waited ${Math.round(waited / 1000)} s for the database: ${why}`;
  }

  /** Writes until `stop` aborts or the reign is over; then nothing that was taken stays unacknowledged here. */
  async reign(session: WriterSession, reign: Reign, stop: AbortSignal): Promise<ReignEnd> {
    const { consumer, announcer, batchLimit } = this.parts;
    const announcements = new Announcements(announcer, reign, await readLastSeqs(session));
    announcements.start();
    let subscribedAt = performance.now();
    try {
      for (;;) {
        consumer.start();
        const deliveries = await takeWithin(consumer, batchLimit, IDLE_MS, stop);
        if (deliveries.length === 0 && stop.aborted) return { type: 'stopped' };
        // A batch ends what is due before it decides, one that has nothing to decide too.
        const fault =
          deliveries.length > 0 || (await hasDueHolds(session))
            ? await this.settle(session, reign, announcements, deliveries)
            : await touchReign(session, reign);
        if (fault !== undefined) return fault as OtherFault;
        if (consumer.isSubscribed || deliveries.length > 0) subscribedAt = performance.now();
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
  private async settle(
    session: WriterSession,
    reign: Reign,
    announcements: Announcements,
    deliveries: Delivery[],
  ): Promise<OtherFault | undefined> {
    const { consumer, replies, metrics } = this.parts;
    const arrived: Arrived[] = [];
    const askedBy: Delivery[] = [];
    for (const delivery of deliveries) {
      const { content } = delivery;
      for (const one of readCommands(content.type === 'json' ? content.value : content.raw)) {
        arrived.push(one);
        askedBy.push(delivery);
      }
    }

    const held = this.giveBackAfter(this.parts.holdMs ?? HOLD_MS);
    this.#underWaySince = performance.now();
    const settled = await this.settleWithRetries(session, reign, arrived);
    this.#underWaySince = undefined;
    await held();
    if (settled.type !== 'committed') return settled;

    const { state, effects } = settled;
    consumer.acknowledge(deliveries);
    replies.send(repliesOf(arrived, askedBy, effects), formatPosition(positionOf([state.position])));
    announcements.announce(state, effects);
    metrics.observeBatch(settled, arrived.length);
    this.logBatch(arrived, settled);
    return undefined;
  }

  /** The server's faults are nobody's: the same batch is tried again, unless the session is gone. */
  private async settleWithRetries(
    session: WriterSession,
    reign: Reign,
    arrived: readonly Arrived[],
  ): Promise<Committed | OtherFault> {
    const { metrics, log } = this.parts;
    const startedAt = performance.now();
    for (let pauseMs = RETRY_PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS.max)) {
      const settled = await settleBatch(session, reign, arrived);
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
   * Gives what was taken back to the queues when it takes so long, also while a COMMIT waits for a replica: its late
   * answer then acknowledges nothing, and what comes again gets its first outcome. Call what it gives when it is done.
   */
  private giveBackAfter(ms: number): () => Promise<void> {
    let givenBack: Promise<void> | undefined;
    const timer = setTimeout(() => {
      this.parts.log.warn({ ms }, 'the database takes too long: what was taken goes back to the queues');
      givenBack = this.parts.consumer.stop();
    }, ms);
    return async () => {
      clearTimeout(timer);
      await givenBack;
    };
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
      else if (reply.type === 'key-conflict') log.debug(fields, 'key conflict');
      else log.debug({ ...fields, status: reply.status, repeated: reply.repeated }, 'outcome');
    });
  }
}

function correlationIdsOf(arrived: readonly Arrived[]): string[] {
  return arrived.flatMap((one) => (one.readable ? [one.command.correlationId] : []));
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
