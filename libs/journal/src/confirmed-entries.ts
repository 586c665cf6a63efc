import type { DatabaseSync } from 'node:sqlite';

/** What an outbox keeps after its confirm, so that it can be sent again. The file then has `KEPT_TABLES`, too. */
export interface Keeping {
  /** How long, ms. */
  readonly ms: number;
  /** Beginnings of the texts that are kept. All others are removed at once. */
  readonly prefixes: readonly string[];
}

/** Old entries that one confirm removes, at most. */
const OLD_ENTRIES = 256;

/**
 * Up to where the brokers have confirmed each queue. Without `Keeping`, confirmed entries are removed, and the number
 * matters only while they can't be: then it keeps them from being sent again. With it, the number is stored.
 */
export class ConfirmedEntries {
  readonly #database: DatabaseSync;
  readonly #keeping: Keeping | undefined;
  readonly #upTo = new Map<string, number>();
  /** Queues whose number the file does not show yet. */
  readonly #unsaved = new Set<string>();

  constructor(database: DatabaseSync, keeping: Keeping | undefined) {
    this.#database = database;
    this.#keeping = keeping;
  }

  /** SQL of the entries that wait or are parked. */
  get unconfirmed(): string {
    if (this.#keeping === undefined) return 'entries';
    return `(SELECT e.* FROM entries e LEFT JOIN confirmed c ON c.queue = e.queue
             WHERE e.seq > coalesce(c.seq, 0) OR e.set_aside_at_ms IS NOT NULL)`;
  }

  /** Reads the stored numbers. */
  read(): void {
    if (this.#keeping === undefined) return;
    this.#upTo.clear();
    this.#unsaved.clear();
    const rows = this.#database.prepare('SELECT queue, seq FROM confirmed').all();
    for (const { queue, seq } of rows as { queue: string; seq: number }[]) this.#upTo.set(queue, seq);
  }

  /** The last confirmed entry of the queue; 0: none. */
  upTo(queue: string): number {
    return this.#upTo.get(queue) ?? 0;
  }

  note(queue: string, seq: number): void {
    this.#upTo.set(queue, seq);
    this.#unsaved.add(queue);
  }

  isSaved(queue: string): boolean {
    return !this.#unsaved.has(queue);
  }

  /** Removes the confirmed entries of the queue, or notes in the file that they are confirmed. */
  save(queue: string): void {
    const upTo = this.upTo(queue);
    if (this.#keeping === undefined) {
      this.#run('DELETE FROM entries WHERE queue = ? AND seq <= ? AND set_aside_at_ms IS NULL', queue, upTo);
      this.#upTo.delete(queue);
    } else {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        this.#keep(queue, upTo, this.#keeping);
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    }
    this.#unsaved.delete(queue);
  }

  /** In a transaction of the caller: every entry that is still in the file waits again. Then `read` is needed. */
  forget(): void {
    this.#database.exec('UPDATE confirmed SET seq = 0');
  }

  #keep(queue: string, upTo: number, { ms, prefixes }: Keeping): void {
    this.#run(
      `DELETE FROM entries
       WHERE queue = ?1 AND seq > coalesce((SELECT c.seq FROM confirmed c WHERE c.queue = ?1), 0) AND seq <= ?2
         AND set_aside_at_ms IS NULL
         AND NOT EXISTS (SELECT 1 FROM json_each(?3) p WHERE instr(entries.text, p.value) = 1)`,
      queue,
      upTo,
      JSON.stringify(prefixes),
    );
    this.#run(
      `DELETE FROM entries WHERE at_ms < ? AND seq IN (
         SELECT o.seq FROM entries o WHERE o.queue = ? AND o.seq <= ? AND o.set_aside_at_ms IS NULL
         ORDER BY o.seq LIMIT ${OLD_ENTRIES})`,
      Date.now() - ms,
      queue,
      upTo,
    );
    this.#run('INSERT INTO confirmed VALUES (?, ?) ON CONFLICT (queue) DO UPDATE SET seq = excluded.seq', queue, upTo);
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#database.prepare(sql).run(...values);
  }
}
