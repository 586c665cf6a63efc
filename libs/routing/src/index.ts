export { hash12, HASH12_VALUES } from './hash.js';
export { assertBucketCount, bucketOf, bucketOfHash12, isBucketCount, BUCKETS_DEFAULT, BUCKETS_MAX } from './bucket.js';
export { COMMON_CLIENT, isUuid, ID_RANDOM_BYTES, type IdSource, type KeyedRequest } from './uuid.js';
export { bucketOfOrderId, hash12OfOrderId, newOrderId, orderIdFor } from './order-id.js';
export { bucketOfCommandId, commandIdFor, newCommandId, newId } from './command-id.js';
export {
  addGroup,
  bucketsOf,
  evenPlacement,
  groupOf,
  isGroupId,
  movesBetween,
  placementOf,
  type BucketMove,
  type Placement,
} from './placement.js';
export {
  compareBatchPositions,
  formatPosition,
  mergePositions,
  NO_POSITION,
  parsePosition,
  positionIn,
  positionOf,
  POSITION_TEXT_MAX,
  type GroupPosition,
  type ParsedPosition,
  type Position,
  type BatchPosition,
} from './position.js';
export { covers, type Coverage, type GroupTerm } from './coverage.js';
export { spreadOf, spreadOverGroups, type Spread } from './spread.js';
export { chiSquareOf, chiSquareP } from './chi-square.js';
export { VIRTUAL_NODES } from './ring.js';
export { compareRouters, groupIdsOf, type RouterComparison, type RouterMethod, type RouterMoves } from './compare.js';
export { seededRandom, unicodeKey, type RandomSource } from './unicode-key.js';
export { routingVectors, type RoutingVectors } from './vectors.js';
