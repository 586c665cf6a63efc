export { Journal, type Appended, type Entry, type JournalOptions, type NewEntry } from './journal.js';
export { JournalError } from './journal-files.js';
export { Relay, type RelayOptions } from './relay.js';
export { registerJournalMetrics } from './metrics.js';
export { mustAppend } from './lane.js';
export { readJournals, type JournalReport, type ParkedCommand } from './read-journals.js';
