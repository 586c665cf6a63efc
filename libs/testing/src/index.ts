export * from './eventually.js';
export * from './database-group.js';
export * from './batch-writer.js';
export * from './test-cluster.js';
export * from './test-provider.js';
export * from './brokers-are-whole.js';
export * from './history/check-history.js';
export * from './writer-process.js';
