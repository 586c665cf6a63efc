export { hash12 } from './hash.js';
export { bucketOf, isBucketCount, BUCKETS_DEFAULT, BUCKETS_MAX } from './bucket.js';
export { isUuid, ID_RANDOM_BYTES } from './uuid.js';
export { bucketOfId, isRoutedBy } from './routed-id.js';
export { newOrderId, orderIdFor } from './order-id.js';
export { commandIdFor, customerIdFor, newCommandId, newId, ownCommandId } from './command-id.js';
export { addGroup, bucketsOf, evenPlacement, groupOf, type Placement } from './placement.js';
export {
  compareBatchPositions,
  formatPosition,
  NO_POSITION,
  parsePosition,
  positionIn,
  positionOf,
  type GroupPosition,
  type Position,
  type BatchPosition,
} from './position.js';
export { covers, type GroupTerm } from './coverage.js';
