export { Reads, type NodeReport } from './reads.js';
export { reasonOf, type GroupAnswer, type ReadFailure, type ReadOptions, type Source } from './answer.js';
export type { AskedCommand, CommandStatus } from './command-status.js';
export { GroupsSeen, type SeenGroup } from './groups-seen.js';
export { ChangesReader, type ChangesRequest, type PageRequest } from './changes/changes-reader.js';
export { changesOfBranchQuery, changesQuery, summary, WHOLE_BATCH, type Summary } from './changes/changes.query.js';
export {
  lastChangeQuery,
  notAppliedQuery,
  onReplicas,
  progressOf,
  readConsumer,
  type ConsumerAnswer,
  type ConsumerRows,
  type WithProgress,
} from './consumer-read.js';
export { MOVEMENTS_OF_ROW } from './movements.js';
export { readFailureKind } from './nodes/read-failure-kind.js';
export { query, type Query } from './query.js';
export { READ_DEFAULTS, type ReadSettings } from './settings.js';
