import type { Log } from '@eco/base';
import { openJournal } from './database.js';
import { DurableFile } from './durable-file.js';
import { journalFile, lockJournal, makeJournalFile } from './journal-files.js';
import { Outbox, type Traits } from './outbox.js';
import { growthPagesOf } from './reserved-space.js';

export interface JournalOptions {
  dir: string;
  /** Name of the owning process and of the file. */
  name: string;
  /** Limit of the commands in the journal, bytes. The file is somewhat larger and does not shrink. */
  limitBytes: number;
  /** Reads the traits of a command from its text. Absent: it has none, and no client has a share. */
  traitsOf?: (text: string) => Traits | undefined;
  log?: Log;
}

/** Time to wait for the file's lock, ms. A restarted process may start before its predecessor has ended. */
const LOCK_WAIT_MS = 3000;

/** Pages of one transaction. An entry of 64 kB takes 18, and a message of the relay is no larger. */
const TRANSACTION_PAGES = 24;

/** An outbox in a file of its own. */
export class Journal extends Outbox {
  readonly file: string;
  readonly #file: DurableFile;

  /** Throws a `JournalError` if the file is in use or not available. */
  constructor({ dir, name, limitBytes, traitsOf, log }: JournalOptions) {
    makeJournalFile(dir, name);
    const file = new DurableFile({
      file: journalFile(dir, name),
      lock: lockJournal(dir, name, { waitMs: LOCK_WAIT_MS }),
      budget: {
        checkpointPages: 16,
        transactionPages: TRANSACTION_PAGES,
        sparePages: 8,
        growthPages: growthPagesOf(limitBytes, TRANSACTION_PAGES),
      },
      open: openJournal,
      noun: `the journal ${name}`,
      log,
    });
    super({ file, name, limitBytes, traitsOf, log });
    this.file = file.file;
    this.#file = file;
  }

  /** Commits the appended commands, then closes the file. Nothing is removed. */
  close(): void {
    this.#file.close();
  }
}
