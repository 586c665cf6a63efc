import { Gauge, type Registry } from 'prom-client';
import { Module, type DynamicModule } from '@nestjs/common';
import { registerBrokerMetrics } from '@eco/broker';
import { ChangeFeed, type Consumer } from '@eco/consumers';
import type { ConsumerName } from '@eco/contracts';
import type { Frame } from '@eco/service';
import { Reads } from '@eco/reads';
import type { CentralConfig } from '../config.js';
import { customersConsumer } from './customers/customers.consumer.js';
import { CentralCustomersController } from './customers/customers.controller.js';
import { Mailer } from './notifications/mailer.js';
import { notificationsConsumer } from './notifications/notifications.consumer.js';
import { NotificationsController } from './notifications/notifications.controller.js';
import { statisticsConsumer } from './statistics/statistics.consumer.js';
import { StatisticsController } from './statistics/statistics.controller.js';
import { CustomersStore, NotificationsStore, StatisticsStore } from './stores.js';

/**
 * Three independent consumers of events: Central's customers, statistics, notifications. Each has its own queue, schema
 * and database role, and none depends on another. `ECO_CONSUMERS` selects those that this process runs; their reads use
 * the stored data, whichever process stored it.
 */
export class Consumers {
  readonly #feeds: ChangeFeed[];
  readonly #mailer: Mailer | undefined;
  readonly #stores: { customers: CustomersStore; statistics: StatisticsStore; notifications: NotificationsStore };

  constructor(
    frame: Frame,
    config: CentralConfig,
    private readonly reads: Reads,
  ) {
    const { log } = frame;
    const [home] = config.groups;
    const storeOptions = (consumer: Consumer) => ({
      consumer,
      nodes: home.nodes,
      password: config.secrets.database[`eco_${consumer.schema}`],
      applicationName: `${config.name} ${consumer.schema}`,
    });
    const stores = {
      customers: new CustomersStore(storeOptions(customersConsumer)),
      statistics: new StatisticsStore(storeOptions(statisticsConsumer)),
      notifications: new NotificationsStore(storeOptions(notificationsConsumer)),
    };
    this.#stores = stores;
    const runs = (consumer: ConsumerName) => config.consumers.includes(consumer);
    this.#mailer =
      config.smtpUrl !== undefined && runs('notifications')
        ? new Mailer({
            store: stores.notifications,
            server: { url: config.smtpUrl, login: config.smtpLogin },
            keepSentMs: config.keepSentDays * 86_400_000,
            log,
          })
        : undefined;
    const all: { consumer: Consumer; store: CustomersStore; onApplied?: () => void }[] = [
      { consumer: customersConsumer, store: stores.customers },
      { consumer: statisticsConsumer, store: stores.statistics },
      { consumer: notificationsConsumer, store: stores.notifications, onApplied: () => this.#mailer?.wake() },
    ];
    this.#feeds = all
      .filter(({ consumer }) => runs(consumer.name))
      .map(
        (each) =>
          new ChangeFeed({
            ...each,
            access: { brokers: [...config.brokers], ...config.secrets.amqp },
            groupIds: config.groups.map(({ id }) => id),
            readUrl: config.readUrl,
            log,
          }),
      );
    measure(frame.metrics.registry, this.#feeds, this.#mailer);
  }

  get module(): DynamicModule {
    const provide = <T>(token: new (...args: never[]) => T, useValue: T) => ({ provide: token, useValue });
    return {
      module: ConsumersModule,
      controllers: [CentralCustomersController, StatisticsController, NotificationsController],
      providers: [
        provide(CustomersStore, this.#stores.customers),
        provide(StatisticsStore, this.#stores.statistics),
        provide(NotificationsStore, this.#stores.notifications),
        provide(Reads, this.reads),
      ],
    };
  }

  /** Returns at once. A failing consumer is no reason to refuse orders, so readiness ignores it. */
  start(): void {
    for (const feed of this.#feeds) feed.start();
    this.#mailer?.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#feeds.map((feed) => feed.stop()), this.#mailer?.stop()]);
    await Promise.all(Object.values(this.#stores).map((store) => store.close()));
  }
}

@Module({})
class ConsumersModule {}

function measure(registry: Registry, feeds: readonly ChangeFeed[], mailer: Mailer | undefined): void {
  registerBrokerMetrics(registry, { subscriptions: feeds.map(({ subscription }) => subscription) });
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
  gauge('eco_changes_applied_total', 'Changes applied by this process', (feed) => feed.applied);
  gauge(
    'eco_changes_set_back_total',
    'Failovers that lost applied batches; the log states which',
    (feed) => feed.setBack,
  );
  gauge('eco_changes_stuck', '1: changes can not be applied now; the log says why', (feed) =>
    feed.trouble === undefined ? 0 : 1,
  );
  if (mailer === undefined) return;
  new Gauge({
    name: 'eco_mails_total',
    help: 'Mails accepted by the server, and failed tries',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      this.set({ result: 'sent' }, mailer.sent);
      this.set({ result: 'failed' }, mailer.failed);
    },
  });
}
