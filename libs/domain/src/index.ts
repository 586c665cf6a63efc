export * from './state.js';
export * from './effects.js';
export { readCommands } from './read-commands.js';
export { bodyHash, isBodyOf } from './body-hash.js';
export { decidable, linesIn, neededKeys } from './needed-keys.js';
export { decideBatch } from './batch.js';
