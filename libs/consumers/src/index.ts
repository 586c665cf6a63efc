export { defineConsumer, type Consumer } from './define-consumer.js';
export { changesOfType } from './changes-of-type.js';
export { ChangeFeed } from './change-feed.js';
export { ConsumerStore } from './consumer-store.js';
export { Consumers } from './consumers.js';
export { levelOf } from './unavailable.js';
