import type { CommandPublisher } from '@eco/broker';
import type { Command, CommandKind, Stamp } from '@eco/contracts';
import { StartError, type Edge } from '@eco/edge';
import { joinsTheTail, Journal, JournalError, registerJournalMetrics, Relay, type Appended } from '@eco/journal';

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

export interface JournalPlace {
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
  constructor(edge: Edge, publisher: CommandPublisher, place: JournalPlace) {
    const { config, log, metrics } = edge;
    this.#edge = edge;
    this.#publisher = publisher;
    try {
      this.#journal = new Journal({ ...place, name: config.name, log });
    } catch (error) {
      throw error instanceof JournalError ? new StartError(error.message) : error;
    }
    this.#relay = new Relay({
      journal: this.#journal,
      publish: (queue, commands) => publisher.publishTogether(queue, commands),
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
      const why = this.#journal.lastError ?? (this.#journal.isFull ? 'it is full' : undefined);
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

  /** The queue under which the command would be kept; undefined: it never is. */
  queueOf(command: Command): string | undefined {
    return keptKinds.has(command.kind) ? this.#publisher.queueOf(command) : undefined;
  }

  /** Whether a command to this queue is kept without asking the brokers. */
  isWaitedFor(queue: string): boolean {
    return joinsTheTail(this.#journal.depth(queue));
  }

  keep(queue: string, command: Command): Promise<Appended> {
    return this.#journal.append({ queue, id: command.id, text: JSON.stringify(command) });
  }

  #tell(): string {
    const { depth, setAsideNow } = this.#journal.status;
    const { oldestAtMs } = this.#journal;
    const oldest = oldestAtMs === undefined ? '' : `, the oldest for ${Math.round((Date.now() - oldestAtMs) / 1000)} s`;
    return [
      depth === 0 ? 'empty' : `${depth} wait${oldest}`,
      ...(setAsideNow > 0 ? [`${setAsideNow} set aside`] : []),
      ...[...this.#relay.alarms].map(([queue, alarm]) => `${queue}: ${alarm}`),
    ].join('; ');
  }
}
