import { sleep, type Log } from '@eco/base';
import { EventSubscription, type Announcement, type BrokerAccess } from '@eco/broker';
import { formatChangesCursor, lastCompleteSeq, type ChangesCursor, type Topic } from '@eco/contracts';
import { reasonOf, type ChangesReader, type PageRequest } from '@eco/reads';
import { positionOf, type BatchPosition, type Position } from '@eco/routing';
import type { Consumer } from './define-consumer.js';
import type { ConsumerStore } from './consumer-store.js';
import type { TopicPosition } from './progress.js';
import { levelOf, UnavailableError } from './unavailable.js';

export interface ChangeFeedOptions {
  readonly consumer: Consumer;
  readonly store: ConsumerStore;
  readonly access: BrokerAccess;
  readonly groupIds: readonly string[];
  readonly changes: ChangesReader;
  readonly log: Log;
  /** Called after changes have been applied. */
  readonly onApplied?: () => void;
}

/**
 * Pause between polls. Polls begin when nothing was received for `SILENT_MS`, because heartbeats arrive every second.
 */
const POLL_MS = 2_000;
const SILENT_MS = 4_000;
const RETRY_MS = 1_000;
/** Most changes of a page, and so of one transaction. */
const PAGE = 5_000;

/**
 * Delivers all changes of its topics to a consumer, once each and in order. An event only wakes it: it states that a
 * topic has reached some batch. The changes are read like `GET /changes`, from the consumer's position on, and applied
 * in the transaction that moves its progress. So the same mechanism serves the next change, a gap, a week of absence
 * and a deleted queue. Events that arrive while a page is processed cause one further read, however many they are.
 *
 * A consumer applies only confirmed batches, which no failover loses. A person may order a failover that loses them, and a
 * restore does. The consumer then continues after the last batch that still exists. It misses nothing of the new history,
 * and the changes of lost batches that it applied stay applied.
 */
export class ChangeFeed {
  /** A separate name, so that its metrics can be distinguished. */
  readonly subscription: EventSubscription;
  readonly #feeds: TopicFeed[];
  #poll: NodeJS.Timeout | undefined;
  readonly #options: ChangeFeedOptions;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
    const { consumer, access, log, groupIds } = options;
    this.#feeds = groupIds.flatMap((group) => consumer.topics.map((topic) => new TopicFeed(group, topic, options)));
    this.subscription = new EventSubscription({
      access,
      consumer: consumer.name,
      handler: (announcement) => this.#onEvent(announcement),
      log,
    });
  }

  /** Returns at once; brokers and databases may be away. */
  start(): void {
    if (this.#poll) return;
    this.subscription.start();
    for (const feed of this.#feeds) feed.wake();
    this.#poll = setInterval(() => {
      if (this.subscription.silentMs < SILENT_MS) return;
      for (const feed of this.#feeds) feed.wake();
    }, POLL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll);
    await this.subscription.stop();
    await Promise.all(this.#feeds.map((feed) => feed.stop()));
  }

  get name(): string {
    return this.#options.consumer.name;
  }

  /** The present failure in words. Undefined: nothing fails. */
  get trouble(): string | undefined {
    return this.#feeds.map((feed) => feed.trouble).find((trouble) => trouble !== undefined);
  }

  /** Number of batches that are known to exist and not applied. */
  get behind(): number {
    return Math.max(0, ...this.#feeds.map((feed) => feed.behind));
  }

  get applied(): number {
    return this.#feeds.reduce((sum, feed) => sum + feed.appliedChanges, 0);
  }

  /** Number of failovers that lost applied batches. */
  get setBack(): number {
    return this.#feeds.reduce((sum, feed) => sum + feed.timesSetBack, 0);
  }

  #onEvent(announcement: Announcement): void {
    const { group, term, tag } = announcement.type === 'event' ? announcement.event : announcement.heartbeat;
    for (const feed of this.#feeds) {
      if (feed.group !== group) continue;
      const seq =
        announcement.type === 'heartbeat'
          ? announcement.heartbeat.lastSeqs[feed.topic]
          : announcement.event.topic === feed.topic
            ? announcement.event.seq
            : undefined;
      if (seq !== undefined) feed.announced({ term, tag, seq });
    }
  }
}

/** One topic of one group. At most one page is processed at a time. */
class TopicFeed {
  appliedChanges = 0;
  timesSetBack = 0;
  trouble: string | undefined;
  #applied: TopicPosition | undefined;
  /** The topic's last batch, as far as announced. */
  #known = NOTHING_KNOWN;
  #woken = false;
  #stopped = new AbortController();
  #running: Promise<void> | undefined;
  readonly #options: ChangeFeedOptions;

  constructor(
    readonly group: string,
    readonly topic: Topic,
    options: ChangeFeedOptions,
  ) {
    this.#options = options;
  }

  get behind(): number {
    return Math.max(0, this.#known.seq - this.#completeSeq);
  }

  announced(position: BatchPosition): void {
    this.#known = position;
    if (this.#applied === undefined || position.seq > this.#completeSeq) this.wake();
  }

  wake(): void {
    this.#woken = true;
    if (this.#stopped.signal.aborted) return;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#woken && !signal.aborted) {
      this.#woken = false;
      const beganAt = performance.now();
      try {
        const { more, isFull } = await this.#catchUp();
        if (more) this.#woken = true;
        this.trouble = undefined;
        if (!isFull) await sleep(Math.max(0, this.#options.consumer.paceMs - (performance.now() - beganAt)), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error as Error);
        // Another process may have moved the progress meanwhile, so it is read again.
        this.#applied = undefined;
        this.#woken = true;
        await sleep(RETRY_MS, signal);
      }
    }
  }

  /** Applies a page. */
  async #catchUp(): Promise<{ more: boolean; isFull: boolean }> {
    const { consumer, store } = this.#options;
    const from = (this.#applied ??= await store.applied(this.group, this.topic));
    const page = await this.#read(from);
    if (page.type === 'cursor-lost') {
      await this.#setBack(from, page.continueFrom);
      return { more: true, isFull: true };
    }
    const { changeCount, rows, more: isFull } = page;
    // Without changes the progress stays as it is, because reading again from `from` costs no more than a write.
    if (changeCount === 0) return { more: false, isFull: false };
    const to = appliedUpTo(page.next);
    const now = await store.advance({ groupId: this.group, topic: this.topic, from, to }, (manager) =>
      consumer.apply(manager, rows, this.group),
    );
    this.#applied = now;
    if (now === to) {
      this.appliedChanges += changeCount;
      this.#options.onApplied?.();
    }
    return { more: isFull || now !== to || this.#known.seq > this.#completeSeq, isFull };
  }

  async #setBack(from: TopicPosition, continueFrom: ChangesCursor): Promise<void> {
    const { consumer, store, log } = this.#options;
    const to = appliedUpTo(continueFrom);
    // The position that an event announced may belong to the lost history.
    this.#known = NOTHING_KNOWN;
    this.#applied = await store.advance({ groupId: this.group, topic: this.topic, from, to }, async () => undefined);
    const lostBatches = lastCompleteSeq(cursorOf(from)) - lastCompleteSeq(cursorOf(to));
    if (lostBatches <= 0) return;
    this.timesSetBack += 1;
    log.error(
      {
        consumer: consumer.name,
        group: this.group,
        topic: this.topic,
        applied: formatChangesCursor(cursorOf(from)),
        continueFrom: formatChangesCursor(continueFrom),
        lostBatches,
      },
      'a failover lost batches that this consumer had applied; their effects stay, and it continues after the last common batch',
    );
  }

  get #completeSeq(): number {
    return this.#applied === undefined ? 0 : lastCompleteSeq(cursorOf(this.#applied));
  }

  /** Reads a page, or its summary. The node must have at least the position that an event has announced. */
  async #read(from: TopicPosition) {
    const { group, topic } = this;
    const known = this.#known.tag === '' ? [] : [{ group, ...this.#known }];
    const request = { group, topic, after: cursorOf(from), limit: PAGE, announced: this.#known };
    const read = await unlessAborted(this.#stopped.signal, this.#rowsOf(request, positionOf(known)));
    if (read.type === 'page' || read.type === 'cursor-lost') return read;
    throw new UnavailableError(reasonOf(read));
  }

  async #rowsOf(request: PageRequest, position: Position) {
    const { consumer, changes } = this.#options;
    const options = { position, waitMs: 0 };
    const summary = consumer.summaries?.[this.topic];
    if (summary !== undefined) return changes.summarize(request, summary, options);
    const read = await changes.read(request, options);
    return read.type === 'page' ? { ...read, changeCount: read.changes.length, rows: read.changes } : read;
  }

  #report(error: Error): void {
    const { consumer, log } = this.#options;
    const { group, topic } = this;
    if (error.message !== this.trouble) {
      const line = { consumer: consumer.name, group, topic, error: error.message };
      log[levelOf(error)](line, 'changes cannot be applied now');
    }
    this.trouble = error.message;
  }
}

/** Rejects when the signal aborts. A stop then does not wait for a read, whose deadline may be seconds away. */
async function unlessAborted<T>(signal: AbortSignal, result: Promise<T>): Promise<T> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(new Error('stopped'));
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const NOTHING_KNOWN: BatchPosition = { term: 0, tag: '', seq: 0 };

function cursorOf({ term, tag, seq, n }: TopicPosition): ChangesCursor {
  return { ...(tag === '' ? {} : { leadership: { term, tag } }), seq, ...(n === null ? {} : { n }) };
}

function appliedUpTo({ leadership, seq, n }: ChangesCursor): TopicPosition {
  return { term: leadership?.term ?? 0, tag: leadership?.tag ?? '', seq, n: n ?? null };
}
