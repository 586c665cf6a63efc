import { Counter, Gauge, type Registry } from 'prom-client';
import type { EntityManager } from 'typeorm';
import type { Log, Password } from '@eco/base';
import { registerSubscriptionMetrics, type BrokerAccess } from '@eco/broker';
import type { ConsumerName, ConsumerRole } from '@eco/contracts';
import {
  ChangesReader,
  readConsumer,
  type ConsumerAnswer,
  type ReadFailure,
  type ReadOptions,
  type Reads,
} from '@eco/reads';
import { ChangeFeed } from './change-feed.js';
import type { Consumer } from './define-consumer.js';
import { ConsumerStore } from './consumer-store.js';

export interface ConsumersOptions {
  /** Consumers whose tables this process reads, and writes if it also runs them. */
  readonly consumers: readonly Consumer[];
  /** Consumers that this process runs. Another process runs the others and writes their tables. */
  readonly running: readonly ConsumerName[];
  readonly reads: Reads;
  readonly access: BrokerAccess;
  /** Password by role. */
  readonly passwords: Readonly<Record<ConsumerRole, Password>>;
  readonly applicationName: string;
  readonly registry: Registry;
  readonly log: Log;
  /** Called after a consumer has applied changes. */
  readonly onApplied?: (consumer: ConsumerName) => void;
}

/**
 * The consumers of a process. Each has its own queue, schema and database role, and none depends on another. Their
 * schemas are in the first group.
 */
export class Consumers {
  readonly #stores: ReadonlyMap<ConsumerName, ConsumerStore>;
  readonly #feeds: readonly ChangeFeed[];
  readonly #options: ConsumersOptions;

  constructor(options: ConsumersOptions) {
    this.#options = options;
    const { consumers, running, reads, access, passwords, applicationName, registry, log, onApplied } = options;
    const [home = ''] = reads.groupIds;
    this.#stores = new Map(
      consumers.map((consumer) => [
        consumer.name,
        new ConsumerStore({
          consumer,
          nodes: () => reads.nodesOf(home),
          password: passwords[`eco_${consumer.schema}`],
          applicationName: `${applicationName} ${consumer.schema}`,
        }),
      ]),
    );
    const changes = new ChangesReader(reads);
    this.#feeds = consumers
      .filter(({ name }) => running.includes(name))
      .map(
        (consumer) =>
          new ChangeFeed({
            consumer,
            store: this.storeOf(consumer),
            access,
            groupIds: reads.groupIds,
            changes,
            log,
            onApplied: () => onApplied?.(consumer.name),
          }),
      );
    measure(registry, this.#feeds);
  }

  storeOf({ name }: Consumer): ConsumerStore {
    const store = this.#stores.get(name);
    if (store === undefined) throw new Error(`this process has no store of ${name}`);
    return store;
  }

  /** Reads the consumer's tables in one snapshot that is as fresh as the reader requires. */
  read<T>(
    consumer: Consumer,
    work: (manager: EntityManager) => Promise<T>,
    options: ReadOptions,
  ): Promise<ConsumerAnswer<T> | ReadFailure> {
    const store = this.storeOf(consumer);
    return readConsumer(this.#options.reads, consumer.topics, () => store.read(work), options);
  }

  /** Returns at once. Readiness ignores a failing consumer, because the process can still serve requests. */
  start(): void {
    for (const feed of this.#feeds) feed.start();
  }

  /** Applies no change afterwards. The stores stay open. */
  async stop(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.stop()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.close()));
  }
}

function measure(registry: Registry, feeds: readonly ChangeFeed[]): void {
  registerSubscriptionMetrics(
    registry,
    feeds.map(({ subscription }) => subscription),
  );
  const counter = (name: string, help: string, value: (feed: ChangeFeed) => number) =>
    new Counter({
      name,
      help,
      labelNames: ['consumer'],
      registers: [registry],
      collect() {
        this.reset();
        for (const feed of feeds) this.inc({ consumer: feed.name }, value(feed));
      },
    });
  const gauge = (name: string, help: string, value: (feed: ChangeFeed) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['consumer'],
      registers: [registry],
      collect() {
        for (const feed of feeds) this.set({ consumer: feed.name }, value(feed));
      },
    });
  gauge('eco_changes_behind_batches', 'Batches that are known to be there and not applied', (feed) => feed.behind);
  counter('eco_changes_applied_total', 'Changes applied by this process', (feed) => feed.applied);
  counter(
    'eco_changes_set_back_total',
    'Failovers that lost applied batches; the log states which',
    (feed) => feed.setBack,
  );
  gauge('eco_changes_stuck', '1: changes cannot be applied now; the log states why', (feed) =>
    feed.trouble === undefined ? 0 : 1,
  );
}
