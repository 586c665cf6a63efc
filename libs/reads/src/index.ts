export { Reads, type NodeReport } from './reads.js';
export type { GroupAnswer, ReadFailure, ReadOptions, Source } from './answer.js';
export { query, type Query } from './query.js';
export { READ_DEFAULTS, type ReadSettings } from './settings.js';
