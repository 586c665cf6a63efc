export { Journal, type Appended, type Entry, type JournalOptions, type NewEntry } from './journal.js';
export { JournalError } from './journal-files.js';
export { joinsTheTail } from './lane.js';
export { Relay, type RelayOptions } from './relay.js';
export { registerJournalMetrics } from './metrics.js';
export { readJournals, type JournalReport, type SetAside } from './read-journals.js';
