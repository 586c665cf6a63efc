import { Module, type DynamicModule } from '@nestjs/common';
import { Consumers } from '@eco/consumers';
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

/**
 * Three independent consumers of events: Central's customers, statistics, notifications. `ECO_CONSUMERS` selects those
 * that this process runs; their routes use the stored data, whichever process stored it.
 */
export class CentralConsumers {
  readonly #consumers: Consumers;
  readonly #mailer: Mailer | undefined;
  readonly #reads: Reads;

  constructor(frame: Frame, config: CentralConfig, reads: Reads) {
    this.#reads = reads;
    const { log } = frame;
    const { registry } = frame.metrics;
    this.#consumers = new Consumers({
      consumers: [customersConsumer, statisticsConsumer, notificationsConsumer],
      running: config.consumers,
      reads,
      access: { brokers: [...config.brokers], ...config.secrets.events },
      passwords: config.secrets.database,
      applicationName: config.name,
      registry,
      log,
      onApplied: (name) => {
        if (name === 'notifications') this.#mailer?.wake();
      },
    });
    if (config.smtpUrl === undefined || !config.consumers.includes('notifications')) return;
    this.#mailer = new Mailer({
      store: this.#consumers.storeOf(notificationsConsumer),
      server: { url: config.smtpUrl, login: config.smtpLogin },
      keepSentMs: config.keepSentDays * 86_400_000,
      registry,
      log,
    });
  }

  get module(): DynamicModule {
    return {
      module: ConsumersModule,
      controllers: [CentralCustomersController, StatisticsController, NotificationsController],
      providers: [
        { provide: Consumers, useValue: this.#consumers },
        { provide: Reads, useValue: this.#reads },
      ],
    };
  }

  /** Returns at once. */
  start(): void {
    this.#consumers.start();
    this.#mailer?.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#mailer?.stop(), this.#consumers.stop()]);
    await this.#consumers.close();
  }
}

@Module({})
class ConsumersModule {}
