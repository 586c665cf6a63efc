export * from './topology.js';
export * from './management.js';
export { askManagement, manage, type Management, type ManagementAnswer } from './management-client.js';
export { limitsOf } from './permissions.js';
export { BrokerConnection, type BrokerAccess } from './connection.js';
export { CommandPublisher } from './publisher.js';
export { mayHaveArrived, type PublishOutcome } from './publish-outcome.js';
export type { CommandReply } from './reply-waits.js';
export { CommandConsumer } from './command-consumer.js';
export { readContent, type Delivery } from './delivery.js';
export { ReplySender, type ReplyTo } from './replies.js';
export { EventAnnouncer } from './events/announcer.js';
export { EventSubscription, type Announcement } from './events/subscription.js';
export {
  confirmMetrics,
  registerChannelMetrics,
  registerConnectionMetrics,
  registerConsumerMetrics,
  registerPublisherMetrics,
  registerSubscriptionMetrics,
} from './metrics.js';
