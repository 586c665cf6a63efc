import type { EventAnnouncer } from '@eco/broker';
import type { Change, ChangeType, Topic } from '@eco/contracts';
import type { Reign } from '@eco/database';
import type { BatchState, Effects } from '@eco/domain';

const BEAT_MS = 1000;

/**
 * A batch that changed more is announced without its changes: whoever needs them reads them from GET /changes. Under
 * load they would be most of what the brokers carry, and each consumer gets a copy.
 */
const CHANGES_MAX = 10;

/**
 * What a reign announces: after each commit the topics that it changed, each with that topic's batch before; and each
 * second a beat that names the last of every topic, so that a lost last event is noticed too. Nothing waits for it.
 */
export class Announcements {
  #seq: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly announcer: EventAnnouncer,
    private readonly reign: Reign,
    private readonly lastSeqs: Record<Topic, number>,
  ) {
    this.#seq = reign.seq;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.beat(), BEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  announce({ position: { seq }, at }: BatchState, effects: Effects): void {
    this.#seq = seq;
    const { group, term, tag } = this.reign;
    for (const [topic, changes] of changesByTopic(seq, at, effects)) {
      const previousSeq = this.lastSeqs[topic];
      this.lastSeqs[topic] = seq;
      this.announcer.announce({
        version: 1,
        group,
        term,
        tag,
        topic,
        seq,
        previousSeq,
        ...(changes.length <= CHANGES_MAX ? { changes: changes.map((change) => change()) } : {}),
      });
    }
  }

  private beat(): void {
    const { group, term, tag } = this.reign;
    this.announcer.beat({ version: 1, group, term, tag, seq: this.#seq, lastSeqs: this.lastSeqs });
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
