import { backOffMs, sleep, type Log } from '@eco/base';
import type { PublishOutcome } from '@eco/broker';
import { afterTry, FRESH, type Lane } from './lane.js';
import type { Outbox } from './outbox.js';

export interface RelayOptions {
  journal: Outbox;
  /** Sends commands, as JSON, to a queue in one message. Settles within the publisher's deadline. */
  publish: (queue: string, commands: readonly string[]) => Promise<PublishOutcome>;
  log?: Log;
}

/** Pause between two tries. A recovered broker is noticed within the longest pause. */
const PAUSE = { firstMs: 100, capMs: 2000 };

/**
 * Brings a journal's commands to the brokers. Each lane sends its commands in order, one message at a time, and removes
 * a message after its confirm. A message that may have arrived is sent again; its commands still have one effect (R2).
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #underWay = new Set<Promise<void>>();
  #stop: AbortController | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    options.journal.onKept((queue) => this.#wake(queue));
  }

  /** Failures that an operator must repair, by queue. */
  get alarms(): ReadonlyMap<string, string> {
    return new Map([...this.#lanes].flatMap(([queue, { alarm }]) => (alarm === undefined ? [] : [[queue, alarm]])));
  }

  start(): void {
    if (this.#stop) return;
    this.#stop = new AbortController();
    for (const queue of this.#options.journal.queues) this.#wake(queue);
  }

  /** Nothing more is sent; the message in flight settles first. */
  async stop(): Promise<void> {
    this.#stop?.abort();
    await Promise.all(this.#underWay);
    this.#stop = undefined;
  }

  /** Resolves when no command waits any more, or after `stop`. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #wake(queue: string): void {
    const stop = this.#stop?.signal;
    if (!stop || stop.aborted || this.#lanes.has(queue)) return;
    this.#lanes.set(queue, FRESH);
    const drained = this.#drain(queue, stop).finally(() => {
      this.#lanes.delete(queue);
      this.#underWay.delete(drained);
    });
    this.#underWay.add(drained);
  }

  async #drain(queue: string, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const before = this.#lanes.get(queue) ?? FRESH;
      const lane = await this.#sendHead(queue, before).catch((error: Error): Lane =>
        this.#failed(queue, before, error),
      );
      // A commit takes a turn of the event loop, so no command can have arrived since the lane was read. Later ones
      // wake the relay again.
      if (lane === 'empty') return;
      this.#lanes.set(queue, lane);
      if (lane.failures > 0) {
        await sleep(backOffMs(lane.failures, PAUSE), stop);
      }
    }
  }

  #failed(queue: string, { failures, alarm }: Lane, { message }: Error): Lane {
    if (message !== alarm) this.#options.log?.error({ queue, error: message }, 'the relay could not use its journal');
    return { most: 1, failures: failures + 1, alarm: message };
  }

  async #sendHead(queue: string, lane: Lane): Promise<Lane | 'empty'> {
    const { journal, publish, log } = this.#options;
    const entries = journal.head(queue, lane.most);
    const [first] = entries;
    if (first === undefined) {
      if (journal.removeConfirmed(queue)) return 'empty';
      // There is nothing to send. The lane waits until the disk can be written.
      return { ...FRESH, failures: lane.failures + 1 };
    }
    const outcome = await publish(
      queue,
      entries.map(({ text }) => text),
    );
    const verdict = afterTry(lane, outcome, entries.length);
    if (verdict.of === 'remove') journal.remove(queue, entries);
    if (verdict.of === 'park') {
      journal.park(queue, first, 'reason' in outcome ? outcome.reason : outcome.type);
    }
    if (verdict.lane.alarm !== lane.alarm) {
      if (verdict.lane.alarm !== undefined)
        log?.error({ queue, alarm: verdict.lane.alarm }, 'the first commands of a queue wait in the journal');
      else log?.info({ queue }, 'the first commands of the queue no longer wait');
    }
    return verdict.lane;
  }
}
