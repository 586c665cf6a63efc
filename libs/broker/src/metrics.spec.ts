import { Registry } from 'prom-client';
import { EventAnnouncer } from './events/announcer.js';
import { BrokerConnection } from './connection.js';
import { CommandConsumer } from './command-consumer.js';
import {
  confirmMetrics,
  registerChannelMetrics,
  registerConnectionMetrics,
  registerConsumerMetrics,
  registerPublisherMetrics,
  registerSubscriptionMetrics,
} from './metrics.js';
import { CommandPublisher } from './publisher.js';
import { ReplySender } from './replies.js';
import { EventSubscription } from './events/subscription.js';
import { orderCommand } from './test/commands.js';

const access = { brokers: [{ host: '127.0.0.1', port: 1 }], user: 'nobody', password: 'secret' };
const connection = new BrokerConnection({ access, name: 'commands' });

describe('a scrape', () => {
  it('shows the counts of each part', async () => {
    const registry = new Registry();
    const publisher = new CommandPublisher({ connection, groupOf: () => 'g1' });
    const announcer = new EventAnnouncer({ connection });
    registerConnectionMetrics(registry, [connection]);
    registerPublisherMetrics(registry, publisher);
    registerConsumerMetrics(registry, new CommandConsumer({ connection, group: 'g1' }));
    registerChannelMetrics(registry, { announcer, replies: new ReplySender({ connection }) });
    const subscription = new EventSubscription({ access, consumer: 'statistics', handler: () => undefined });
    registerSubscriptionMetrics(registry, [subscription]);
    await publisher.publish(orderCommand());
    announcer.heartbeat({ version: 1, group: 'g1', term: 1, tag: 'a', seq: 1, lastSeqs: {} });
    for (let scrape = 0; scrape < 2; scrape += 1) {
      const lines = (await registry.metrics()).split('\n');
      expect(lines).toEqual(
        expect.arrayContaining([
          'eco_broker_connected{connection="commands"} 0',
          'eco_publisher_commands_total{outcome="disconnected"} 1',
          'eco_publisher_commands_total{outcome="confirmed"} 0',
          'eco_publisher_unsettled_commands 0',
          'eco_consumer_subscribed{queue="orders.g1"} 0',
          'eco_consumer_subscribed{queue="products.g1"} 0',
          'eco_announcer_dropped_total 1',
          'eco_replies_sent_total 0',
          'eco_subscription_silent_seconds{consumer="statistics"} +Inf',
        ]),
      );
    }
  });
});

describe('confirmMetrics', () => {
  it('measures messages, not commands', async () => {
    const registry = new Registry();
    const onConfirmed = confirmMetrics(registry);
    onConfirmed({ durationMs: 3, commands: 20 });
    const lines = (await registry.metrics()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'eco_publisher_confirm_seconds_count 1',
        'eco_publisher_confirm_seconds_sum 0.003',
        'eco_publisher_message_commands_sum 20',
      ]),
    );
  });
});
