import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { EventAnnouncer } from './events/announcer.js';
import type { BrokerConnection } from './connection.js';
import type { CommandConsumer } from './command-consumer.js';
import type { CommandPublisher } from './publisher.js';
import type { ReplySender } from './replies.js';
import type { EventSubscription } from './events/subscription.js';

type Labels = Record<string, string>;
type Sample = [value: number, labels?: Labels];

/*
 * Each part of this library keeps its own counts, and only a scrape reads them. So sending a command looks up no
 * metric. A process registers the parts that it has.
 */

/** Registers `eco_broker_*`. */
export function registerConnectionMetrics(registry: Registry, connections: readonly BrokerConnection[]): void {
  const { gauge, counter } = metricsOf(registry);
  const byConnection = (read: (connection: BrokerConnection) => number) => (): Sample[] =>
    connections.map((connection) => [read(connection), { connection: connection.name }]);
  gauge(
    'eco_broker_connected',
    '1: connected to a broker',
    ['connection'],
    byConnection(({ state }) => Number(state.type === 'connected' || state.type === 'blocked')),
  );
  gauge(
    'eco_broker_blocked',
    '1: the brokers accept nothing (memory or disk alarm)',
    ['connection'],
    byConnection(({ isBlocked }) => Number(isBlocked)),
  );
  counter(
    'eco_broker_losses_total',
    'Connections lost',
    ['connection'],
    byConnection(({ losses }) => losses),
  );
}

/** Registers the metrics `eco_publisher_*`, except those that `confirmMetrics` measures. */
export function registerPublisherMetrics(registry: Registry, publisher: CommandPublisher): void {
  const { gauge, counter } = metricsOf(registry);
  counter('eco_publisher_commands_total', 'Commands by how their publishing ended', ['outcome'], () =>
    Object.entries(publisher.counts.outcomes).map(([outcome, count]) => [count, { outcome }]),
  );
  counter('eco_publisher_messages_total', 'Messages sent; one carries several commands', [], () => [
    [publisher.counts.messages],
  ]);
  gauge('eco_publisher_unsettled_commands', 'Commands that wait or are under way', [], () => [
    [publisher.counts.unsettledCommands],
  ]);
  gauge('eco_publisher_unsettled_bytes', 'Bytes of commands that wait or are under way', [], () => [
    [publisher.counts.unsettledBytes],
  ]);
  gauge('eco_publisher_reply_waits', 'Callers that wait for a reply', [], () => [[publisher.counts.replyWaits]]);
  counter('eco_publisher_replies_total', 'Replies by whether a caller still waited', ['heard'], () => [
    [publisher.counts.repliesReceived, { heard: 'yes' }],
    [publisher.counts.repliesLate, { heard: 'late' }],
  ]);
}

/** Registers `eco_consumer_*`. */
export function registerConsumerMetrics(registry: Registry, consumer: CommandConsumer): void {
  const { gauge, counter } = metricsOf(registry);
  const byQueue = (read: (counts: CommandConsumer['counts'][string]) => number) => (): Sample[] =>
    Object.entries(consumer.counts).map(([queue, counts]) => [read(counts), { queue }]);
  gauge(
    'eco_consumer_subscribed',
    '1: subscribed to the queue',
    ['queue'],
    byQueue(({ subscribed }) => Number(subscribed)),
  );
  counter(
    'eco_consumer_subscriptions_total',
    'Number of subscriptions',
    ['queue'],
    byQueue(({ subscriptions: times }) => times),
  );
  counter(
    'eco_consumer_messages_total',
    'Messages delivered',
    ['queue'],
    byQueue(({ messages }) => messages),
  );
  counter(
    'eco_consumer_redelivered_messages_total',
    'Redelivered messages',
    ['queue'],
    byQueue(({ redeliveredMessages }) => redeliveredMessages),
  );
  gauge(
    'eco_consumer_waiting_messages',
    'Messages that have arrived and are not taken yet',
    ['queue'],
    byQueue(({ waitingMessages }) => waitingMessages),
  );
  gauge(
    'eco_consumer_unacknowledged_messages',
    'Messages delivered and not acknowledged',
    ['queue'],
    byQueue(({ unacknowledgedMessages }) => unacknowledgedMessages),
  );
  counter(
    'eco_consumer_stale_acknowledgements_total',
    'Messages settled after their channel was lost',
    ['queue'],
    byQueue(({ staleAcknowledgements }) => staleAcknowledgements),
  );
}

/** Registers `eco_announcer_*` and `eco_replies_*`. */
export function registerChannelMetrics(
  registry: Registry,
  { announcer, replies }: { announcer: EventAnnouncer; replies: ReplySender },
): void {
  const { counter } = metricsOf(registry);
  const sentAndDropped = (prefix: string, what: string, { channel }: EventAnnouncer | ReplySender) => {
    counter(`${prefix}_sent_total`, `${what} sent`, [], () => [[channel.counts.sent]]);
    counter(`${prefix}_dropped_total`, `${what} dropped, since nothing waits for them`, [], () => [
      [channel.counts.dropped],
    ]);
  };
  sentAndDropped('eco_announcer', 'Events and heartbeats', announcer);
  sentAndDropped('eco_replies', 'Messages with replies', replies);
}

/** Registers `eco_subscription_*`. */
export function registerSubscriptionMetrics(registry: Registry, subscriptions: readonly EventSubscription[]): void {
  const { gauge, counter } = metricsOf(registry);
  const byConsumer = (read: (subscription: EventSubscription) => number) => (): Sample[] =>
    subscriptions.map((subscription) => [read(subscription), { consumer: subscription.consumer }]);
  gauge(
    'eco_subscription_silent_seconds',
    'Time since the last message was received',
    ['consumer'],
    byConsumer(({ silentMs }) => silentMs / 1000),
  );
  counter(
    'eco_subscription_renewals_total',
    'Times the subscription was made again',
    ['consumer'],
    byConsumer(({ counts }) => counts.renewals),
  );
  counter(
    'eco_subscription_events_total',
    'Events received',
    ['consumer'],
    byConsumer(({ counts }) => counts.events),
  );
  counter(
    'eco_subscription_failed_total',
    'Events whose handler failed or that could not be read',
    ['consumer'],
    byConsumer(({ counts }) => counts.failed + counts.unreadable),
  );
}

/** Metrics for a publisher's `onConfirmed`: time until a majority has a message, and commands per message. */
export function confirmMetrics(registry: Registry): (confirm: { durationMs: number; commands: number }) => void {
  const seconds = new Histogram({
    name: 'eco_publisher_confirm_seconds',
    help: 'From sending a message to its confirm',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2],
    registers: [registry],
  });
  const commandsPerMessage = new Histogram({
    name: 'eco_publisher_message_commands',
    help: 'Commands in one message',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [registry],
  });
  return ({ durationMs, commands }) => {
    seconds.observe(durationMs / 1000);
    commandsPerMessage.observe(commands);
  };
}

/** Declares metrics whose values `samples` reads at each scrape. */
function metricsOf(registry: Registry) {
  const metric =
    (kind: typeof Gauge | typeof Counter) =>
    (name: string, help: string, labelNames: string[], samples: () => Sample[]) => {
      new kind({
        name,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset();
          for (const [value, labels = {}] of samples()) this.inc(labels, value);
        },
      });
    };
  return { gauge: metric(Gauge), counter: metric(Counter) };
}
