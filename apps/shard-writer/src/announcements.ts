import type { EventAnnouncer } from '@eco/broker';
import { personalTopics, type Change, type ChangeType, type Topic } from '@eco/contracts';
import type { LeaderTerm } from '@eco/writer';
import type { BatchState, Effects } from '@eco/domain';

const HEARTBEAT_MS = 1000;

/**
 * Most changes of a batch that its event contains. Consumers that need more read GET /changes. Under load the changes
 * would be most of the brokers' traffic, because each consumer gets a copy.
 */
const CHANGES_MAX = 10;

/** Time over which batches are gathered into one event, ms. Such an event has no changes and only wakes consumers. */
const PACE_MS = 100;

/**
 * Announces the decisions of a leader. After each commit it announces the changed topics, each with that topic's
 * previous batch. Every second it sends a heartbeat that names the last batch of every topic, so that a lost last event
 * is noticed too. A heartbeat names only batches that readers can see. Until the leader's first batch this is the term
 * of the previous leadership. Nothing waits for announcements.
 */
export class Announcements {
  #last: { seq: number; term: number; tag: string };
  #timer: NodeJS.Timeout | undefined;
  /** Content of the next event, by topic. */
  readonly #gathered = new Map<Topic, { previousSeq: number; timer: NodeJS.Timeout }>();
  readonly #announcer: EventAnnouncer;
  readonly #leaderTerm: LeaderTerm;
  readonly #lastSeqs: Record<Topic, number>;

  constructor(announcer: EventAnnouncer, leaderTerm: LeaderTerm, lastSeqs: Record<Topic, number>) {
    this.#announcer = announcer;
    this.#leaderTerm = leaderTerm;
    this.#lastSeqs = lastSeqs;
    this.#last = { seq: leaderTerm.seq, ...leaderTerm.shown };
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#sendHeartbeat(), HEARTBEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const topic of this.#gathered.keys()) this.#announceGathered(topic);
  }

  announce({ position: { seq }, at }: BatchState, effects: Effects): void {
    const { term, tag } = this.#leaderTerm;
    this.#last = { seq, term, tag };
    for (const [topic, changes] of changesByTopic(seq, at, effects)) {
      const fits = changes.length <= CHANGES_MAX;
      if (fits) this.#announceGathered(topic);
      const previousSeq = this.#lastSeqs[topic];
      this.#lastSeqs[topic] = seq;
      if (fits) {
        this.#event(
          topic,
          previousSeq,
          personalTopics.has(topic) ? {} : { changes: changes.map((change) => change()) },
        );
      } else if (!this.#gathered.has(topic)) {
        const timer = setTimeout(() => this.#announceGathered(topic), PACE_MS);
        this.#gathered.set(topic, { previousSeq, timer });
      }
    }
  }

  #announceGathered(topic: Topic): void {
    const gathered = this.#gathered.get(topic);
    if (gathered === undefined) return;
    clearTimeout(gathered.timer);
    this.#gathered.delete(topic);
    this.#event(topic, gathered.previousSeq);
  }

  #event(topic: Topic, previousSeq: number, changes: { changes?: Change[] } = {}): void {
    const { group, term, tag } = this.#leaderTerm;
    const seq = this.#lastSeqs[topic];
    this.#announcer.announce({ version: 1, group, term, tag, topic, seq, previousSeq, ...changes });
  }

  #sendHeartbeat(): void {
    this.#announcer.heartbeat({ version: 1, group: this.#leaderTerm.group, ...this.#last, lastSeqs: this.#lastSeqs });
  }
}

/** The changes of a batch by topic, as the view eco.change shows them. Each is computed only when it is needed. */
function changesByTopic(seq: number, at: string, { outcomes, movements }: Effects): Map<Topic, (() => Change)[]> {
  const byTopic = new Map<Topic, (() => Change)[]>();
  const add = (topic: Topic, change: () => Change) => {
    const changes = byTopic.get(topic);
    if (changes === undefined) byTopic.set(topic, [change]);
    else changes.push(change);
  };
  for (const { topic, changeType, n, commandId, changeData } of outcomes) {
    if (topic === null) continue;
    add(topic, () => ({ type: changeType as ChangeType, seq, n, commandId, at, data: changeData ?? {} }));
  }
  for (const row of movements) {
    const { productId, location, sequence, movement, onHandDelta, reservedDelta, onHand, reserved } = row;
    const data = { productId, location, sequence, movement, onHandDelta, reservedDelta, onHand, reserved };
    add('stock', () => ({ type: 'stock.changed', seq, n: row.n, commandId: row.commandId, at, data }));
  }
  return byTopic;
}
