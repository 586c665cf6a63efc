export { defineConsumer, type Consumer } from './consumer.js';
export { changesOfType } from './changes-of-type.js';
export { ChangeFeed } from './change-feed.js';
export { ConsumerStore, StoreUnavailableError, ValueRefusedError } from './consumer-store.js';
