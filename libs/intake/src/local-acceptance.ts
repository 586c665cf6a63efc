import type { CommandPublisher, PublishOutcome } from '@eco/broker';
import { keyOf, type Command, type CommandKind, type Stamp } from '@eco/contracts';
import { StartError, type Edge } from '@eco/edge';
import { Journal, JournalError, mustAppend, registerJournalMetrics, Relay, type Appended } from '@eco/journal';
import { BUCKETS_MAX, bucketOf } from '@eco/routing';

/**
 * What may be accepted on this machine alone: it is decided later in any case, and nobody is promised stock by it. What
 * holds or moves stock is decided within its request or not at all, so it is never kept.
 */
const keptKinds: ReadonlySet<CommandKind> = new Set<CommandKind>([
  'order.place',
  'cart.edit',
  'cart.clear',
  'cart.checkout',
]);

/**
 * Lanes of commands whose group is not known, since this process has seen no database yet: one for each of the most buckets
 * that there can be. Whatever the number of buckets is, a lane is part of one bucket, so one group owns all of it.
 */
const UNASSIGNED = 'unassigned.';
const unassignedLaneOf = (command: Command): string => UNASSIGNED + bucketOf(keyOf(command), BUCKETS_MAX);
export const isUnassigned = (lane: string): boolean => lane.startsWith(UNASSIGNED);

/** What a customer does with a cart has an order, so nothing of it goes past what waits in the journal. */
function cartOf({ kind, body }: Pick<Command, 'kind' | 'body'>): string | undefined {
  return kind.startsWith('cart.') ? (body as { customerId: string }).customerId : undefined;
}

export interface JournalSettings {
  readonly dir: string;
  readonly limitBytes: number;
}

/** A process that was just started gives the brokers this long before it is ready without them, ms. */
const FIRST_CONNECTION_MS = 5_000;

/**
 * Accepts orders and carts while the brokers do not confirm them: into a journal on this machine, from which a relay
 * brings them to the brokers in order. Once one command to a queue was not confirmed, those behind it join it at once, so
 * that only the first ones wait for their deadline.
 */
export class LocalAcceptance {
  readonly #edge: Edge;
  readonly #publisher: CommandPublisher;
  readonly #journal: Journal;
  readonly #relay: Relay;

  /** Throws a `StartError` when the journal can't be had. */
  constructor(edge: Edge, publisher: CommandPublisher, settings: JournalSettings) {
    const { config, log, metrics } = edge;
    this.#edge = edge;
    this.#publisher = publisher;
    try {
      this.#journal = new Journal({
        ...settings,
        name: config.name,
        sharedKeyOf: (text) => cartOf(JSON.parse(text) as Command),
        log,
      });
    } catch (error) {
      throw error instanceof JournalError ? new StartError(error.message) : error;
    }
    this.#relay = new Relay({
      journal: this.#journal,
      publish: (lane, commands) => this.#publish(lane, commands),
      log,
    });
    registerJournalMetrics(metrics.registry, this.#journal, this.#relay);
  }

  /** Names what makes the process ready: brokers, or room in the journal. */
  start(): void {
    const { health } = this.#edge;
    const startedMs = performance.now();
    health.indicator('broker', () => {
      const { obstacle } = this.#publisher;
      if (obstacle === undefined || performance.now() - startedMs < FIRST_CONNECTION_MS) return obstacle;
      const why = this.#journal.obstacle;
      return why === undefined ? undefined : `${obstacle}; nor does the journal take anything: ${why}`;
    });
    health.fact('broker', () => this.#publisher.obstacle ?? 'reachable');
    health.fact('journal', () => this.#tell());
    this.#relay.start();
  }

  /** Before the publisher stops: what the relay has under way is settled. */
  async stop(): Promise<void> {
    await this.#relay.stop();
  }

  close(): void {
    this.#journal.close();
  }

  /** Of the command that was kept last, before this process or in it; undefined: none waits. */
  get lastStamp(): Stamp | undefined {
    const text = this.#journal.lastText;
    return text === undefined ? undefined : (JSON.parse(text) as Partial<Command>).stamp;
  }

  /**
   * The lane in which the command would be kept: its queue's, or an unassigned one while its group is not known and while
   * that lane holds commands, which it would overtake. Undefined: it is never kept.
   */
  laneOf(command: Command): string | undefined {
    if (!keptKinds.has(command.kind)) return undefined;
    const queue = this.#publisher.queueOf(command);
    if (queue !== undefined && this.#journal.isEmpty) return queue;
    const unassigned = unassignedLaneOf(command);
    return this.#journal.depth(unassigned) > 0 ? unassigned : (queue ?? unassigned);
  }

  /** Whether a command of this lane is kept without asking the brokers. */
  isWaitedFor(lane: string): boolean {
    return mustAppend(this.#journal.depth(lane));
  }

  /**
   * Whether a command that could not be kept may go to the brokers past what waits: a sale that is refused is worse than an
   * order that overtakes.
   */
  mayOvertake(command: Command): boolean {
    const cart = cartOf(command);
    return cart === undefined || !this.#journal.holds(cart);
  }

  keep(lane: string, command: Command): Promise<Appended> {
    return this.#journal.append({ queue: lane, id: command.id, text: JSON.stringify(command) });
  }

  #publish(lane: string, commands: readonly string[]): Promise<PublishOutcome> {
    if (!isUnassigned(lane)) return this.#publisher.publishTogether(lane, commands);
    const queue = this.#publisher.queueOf(JSON.parse(commands[0] ?? '') as Command);
    // What waits for that queue came before it was not known any more who owns it.
    if (queue === undefined || this.#journal.depth(queue) > 0) return Promise.resolve({ type: 'unrouted' });
    return this.#publisher.publishTogether(queue, commands);
  }

  #tell(): string {
    const { depth, parkedNow } = this.#journal.status;
    const { oldestAtMs } = this.#journal;
    // One that failed is looked at again: by now it may work.
    const broken = this.#journal.lastError && this.#journal.obstacle;
    const oldest = oldestAtMs === undefined ? '' : `, the oldest for ${Math.round((Date.now() - oldestAtMs) / 1000)} s`;
    return [
      depth === 0 ? 'empty' : `${depth} wait${oldest}`,
      ...(parkedNow > 0 ? [`${parkedNow} set aside`] : []),
      ...(broken ? [`takes nothing now (${broken}), so orders need the brokers`] : []),
      ...[...this.#relay.alarms].map(([queue, alarm]) => `${queue}: ${alarm}`),
    ].join('; ');
  }
}
