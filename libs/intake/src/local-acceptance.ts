import { StartError } from '@eco/base';
import type { CommandPublisher, PublishOutcome } from '@eco/broker';
import { commandKinds, keyOf, type Command, type Stamp } from '@eco/contracts';
import {
  Journal,
  JournalError,
  mustAppend,
  registerJournalMetrics,
  Relay,
  type Appended,
  type Outbox,
  type Traits,
} from '@eco/journal';
import { BUCKETS_MAX, bucketOf } from '@eco/routing';
import { traceRelayed } from './confirm-spans.js';
import type { IntakeFrame } from './frame.js';

/**
 * Lanes of commands whose group is unknown, because this process has not seen a database yet: one per possible bucket
 * of the largest bucket count. With any bucket count, a lane is part of one bucket, so one group owns all of it.
 */
const UNASSIGNED = 'unassigned.';
const unassignedLaneOf = (command: Command): string => UNASSIGNED + bucketOf(keyOf(command), BUCKETS_MAX);
export const isUnassigned = (lane: string): boolean => lane.startsWith(UNASSIGNED);

/**
 * The customer whose cart a command changes. Cart commands have an order, so none may pass an earlier one that waits in
 * the journal.
 */
function cartOf({ kind, body }: Pick<Command, 'kind' | 'body'>): string | undefined {
  return kind.startsWith('cart.') ? (body as { customerId: string }).customerId : undefined;
}

/** A journal in a file of its own. */
export interface JournalSettings {
  readonly dir: string;
  readonly limitBytes: number;
}

/** The outbox of a branch's database, which its owner opens and closes. */
export interface OwnedOutbox {
  readonly outbox: Outbox;
  /** Keeps a command, with whatever the owner records about it, in one transaction. */
  keep(lane: string, command: Command): Promise<Appended>;
}

/** Traits of a command in a journal, from its text. */
export function traitsOfCommand(text: string): Traits {
  const command = JSON.parse(text) as Command;
  return { sharedKey: cartOf(command), client: command.actor?.id };
}

/** Time after the start in which the process waits for the brokers, ms. Then it is ready without them. */
const FIRST_CONNECTION_MS = 5_000;

/**
 * Accepts orders and cart commands while the brokers do not confirm them: into a journal on this machine, from which a
 * relay brings them to the brokers in order. Once a command to a queue was not confirmed, later ones join the journal
 * at once, so that only the first ones wait for their deadline.
 */
export class LocalAcceptance {
  readonly #frame: IntakeFrame;
  readonly #publisher: CommandPublisher;
  readonly #journal: Outbox;
  readonly #keep: OwnedOutbox['keep'];
  readonly #close: () => void;
  /** True: the commands wait in the database of a branch. */
  readonly #isOfBranch: boolean;
  readonly #relay: Relay;

  /** Throws a `StartError` if the journal is not available. */
  constructor(frame: IntakeFrame, publisher: CommandPublisher, settings: JournalSettings | OwnedOutbox) {
    const { log, metrics } = frame;
    this.#frame = frame;
    this.#publisher = publisher;
    this.#isOfBranch = 'outbox' in settings;
    if ('outbox' in settings) {
      this.#journal = settings.outbox;
      this.#keep = (lane, command) => settings.keep(lane, command);
      this.#close = () => undefined;
    } else {
      const journal = openJournal(frame, settings);
      this.#journal = journal;
      this.#keep = (queue, command) => journal.append({ queue, id: command.id, text: JSON.stringify(command) });
      this.#close = () => journal.close();
    }
    this.#relay = new Relay({
      journal: this.#journal,
      publish: (lane, commands) => traceRelayed(frame.tracing, commands, this.#publish(lane, commands)),
      log,
    });
    registerJournalMetrics(metrics.registry, this.#journal, this.#relay);
  }

  /** Registers the readiness check: the process needs the brokers or room in the journal. */
  start(): void {
    const { health } = this.#frame;
    const startedMs = performance.now();
    health.indicator('broker', () => {
      const { obstacle } = this.#publisher;
      if (obstacle === undefined || performance.now() - startedMs < FIRST_CONNECTION_MS) return obstacle;
      const why = this.#journal.obstacle;
      return why === undefined ? undefined : `${obstacle}; nor does the journal take anything: ${why}`;
    });
    health.fact('broker', () => this.#publisher.obstacle ?? 'reachable');
    health.fact('journal', () => this.#stateText());
    this.#relay.start();
  }

  /** Call it before the publisher stops: it settles the relay's message in flight. */
  async stop(): Promise<void> {
    await this.#relay.stop();
  }

  close(): void {
    this.#close();
  }

  /** Stamp of the command kept last, by this process or its predecessor; undefined: none waits. */
  get lastStamp(): Stamp | undefined {
    const text = this.#journal.lastText;
    return text === undefined ? undefined : (JSON.parse(text) as Partial<Command>).stamp;
  }

  /**
   * The lane in which the command would be kept: that of its queue, or an unassigned lane. The unassigned lane is used
   * while the group is unknown, and while that lane holds commands that the new one would overtake. Undefined: commands
   * of this kind are never kept.
   */
  laneOf(command: Command): string | undefined {
    const { mayWait } = commandKinds[command.kind];
    if (mayWait === false || (mayWait === 'at-branch' && !this.#isOfBranch)) return undefined;
    const queue = this.#publisher.queueOf(command);
    if (queue !== undefined && this.#journal.isEmpty) return queue;
    const unassigned = unassignedLaneOf(command);
    return this.#journal.depth(unassigned) > 0 ? unassigned : (queue ?? unassigned);
  }

  /** Whether a command of this lane is kept at once, without trying the brokers. */
  isWaitedFor(lane: string): boolean {
    return mustAppend(this.#journal.depth(lane));
  }

  /**
   * Whether a command that could not be kept may go to the brokers past commands that wait. An order may, because a
   * refused sale is worse than an overtaking order.
   */
  mayOvertake(command: Command): boolean {
    const cart = cartOf(command);
    return cart === undefined || !this.#journal.holds(cart);
  }

  keep(lane: string, command: Command): Promise<Appended> {
    return this.#keep(lane, command);
  }

  #publish(lane: string, commands: readonly string[]): Promise<PublishOutcome> {
    if (!isUnassigned(lane)) return this.#publisher.publishTogether(lane, commands);
    const queue = this.#publisher.queueOf(JSON.parse(commands[0] ?? '') as Command);
    // The commands that wait for that queue arrived earlier, so they go first.
    if (queue === undefined || this.#journal.depth(queue) > 0) return Promise.resolve({ type: 'unrouted' });
    return this.#publisher.publishTogether(queue, commands);
  }

  #stateText(): string {
    const { depth, parkedNow } = this.#journal.status;
    const { oldestAtMs } = this.#journal;
    // A failed journal is checked again: it may work by now.
    const broken = this.#journal.lastError && this.#journal.obstacle;
    const oldest = oldestAtMs === undefined ? '' : `, the oldest for ${Math.round((Date.now() - oldestAtMs) / 1000)} s`;
    return [
      depth === 0 ? 'empty' : `${depth} wait${oldest}`,
      ...(parkedNow > 0 ? [`${parkedNow} parked`] : []),
      ...(broken ? [`takes nothing now (${broken}), so orders need the brokers`] : []),
      ...[...this.#relay.alarms].map(([queue, alarm]) => `${queue}: ${alarm}`),
    ].join('; ');
  }
}

function openJournal({ config, log }: IntakeFrame, settings: JournalSettings): Journal {
  try {
    return new Journal({ ...settings, name: config.name, traitsOf: traitsOfCommand, log });
  } catch (error) {
    throw error instanceof JournalError ? new StartError(error.message) : error;
  }
}
