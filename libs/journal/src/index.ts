export { Journal, type Appended } from './journal.js';
export { JournalError } from './journal-files.js';
export { Relay } from './relay.js';
export { registerJournalMetrics } from './metrics.js';
export { mustAppend } from './lane.js';
export { readJournals, type JournalReport } from './read-journals.js';
