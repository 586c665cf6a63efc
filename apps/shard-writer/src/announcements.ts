import type { EventAnnouncer } from '@eco/broker';
import type { Change, ChangeType, Topic } from '@eco/contracts';
import type { LeaderTerm } from '@eco/database';
import type { BatchState, Effects } from '@eco/domain';

const HEARTBEAT_MS = 1000;

/**
 * A batch that changed more is announced without its changes: whoever needs them reads them from GET /changes. Under
 * load they would be most of what the brokers carry, and each consumer gets a copy.
 */
const CHANGES_MAX = 10;

/** Events without their changes only wake, so under load one speaks for all batches of so long, ms. */
const PACE_MS = 100;

/**
 * What a leadership announces: after each commit the topics that it changed, each with that topic's announced batch before;
 * and each second a heartbeat that names the last of every topic, so that a lost last event is noticed too. A heartbeat
 * names what readers can see: until its first batch the term of the leadership before. Nothing waits for it.
 */
export class Announcements {
  #last: { seq: number; term: number; tag: string };
  #timer: NodeJS.Timeout | undefined;
  /** By topic, what one event will announce when it is time. */
  readonly #gathered = new Map<Topic, { previousSeq: number; timer: NodeJS.Timeout }>();

  constructor(
    private readonly announcer: EventAnnouncer,
    private readonly leaderTerm: LeaderTerm,
    private readonly lastSeqs: Record<Topic, number>,
  ) {
    this.#last = { seq: leaderTerm.seq, ...leaderTerm.shown };
  }

  start(): void {
    this.#timer ??= setInterval(() => this.sendHeartbeat(), HEARTBEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const topic of this.#gathered.keys()) this.announceGathered(topic);
  }

  announce({ position: { seq }, at }: BatchState, effects: Effects): void {
    const { term, tag } = this.leaderTerm;
    this.#last = { seq, term, tag };
    for (const [topic, changes] of changesByTopic(seq, at, effects)) {
      const fits = changes.length <= CHANGES_MAX;
      if (fits) this.announceGathered(topic);
      const previousSeq = this.lastSeqs[topic];
      this.lastSeqs[topic] = seq;
      if (fits) {
        this.event(topic, previousSeq, { changes: changes.map((change) => change()) });
      } else if (!this.#gathered.has(topic)) {
        const timer = setTimeout(() => this.announceGathered(topic), PACE_MS);
        this.#gathered.set(topic, { previousSeq, timer });
      }
    }
  }

  private announceGathered(topic: Topic): void {
    const gathered = this.#gathered.get(topic);
    if (gathered === undefined) return;
    clearTimeout(gathered.timer);
    this.#gathered.delete(topic);
    this.event(topic, gathered.previousSeq);
  }

  private event(topic: Topic, previousSeq: number, changes: { changes?: Change[] } = {}): void {
    const { group, term, tag } = this.leaderTerm;
    const seq = this.lastSeqs[topic];
    this.announcer.announce({ version: 1, group, term, tag, topic, seq, previousSeq, ...changes });
  }

  private sendHeartbeat(): void {
    this.announcer.heartbeat({ version: 1, group: this.leaderTerm.group, ...this.#last, lastSeqs: this.lastSeqs });
  }
}

/** Each change as it stands in the view eco.change, made only when it is asked for. */
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
