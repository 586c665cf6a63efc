export { backUpBranch } from './back-up-branch.js';
export { BranchDatabase, markRestored } from './branch-database.js';
export { BranchDatabaseError } from './schema.js';
export type * from './types.js';
