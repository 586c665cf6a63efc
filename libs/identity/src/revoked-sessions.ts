import { PeriodicTask, type Log } from '@eco/base';
import { query, reasonOf, type Reads } from '@eco/reads';
import { NO_POSITION } from '@eco/routing';
import { ENDED_SESSIONS_MS } from './lifetimes.js';

/**
 * Interval at which revocations are read, ms. A process refuses the tokens of a revoked session after at most this time
 * plus the lag of the node that it reads. The lag is below 1 s unless a replica is cut off.
 */
const LOOK_EVERY_MS = 1_000;
/** Nodes differ in their lag: one may show a revocation later than another, by at most this time, ms. */
const OVERLAP_MS = 60_000;

interface RevokedSession {
  readonly sessionId: string;
  /** ms since 1970. */
  readonly revokedMs: number;
}

/** Reads the sessions that were revoked after a time, ms since 1970. Rejects if nothing can be read now. */
export type ReadRevoked = (afterMs: number) => Promise<readonly RevokedSession[]>;

const revokedSessions = query<{ session_id: string; revoked_ms: number }>({
  name: 'revoked-sessions',
  rows: `SELECT session_id, (extract(epoch FROM revoked_at) * 1000)::float8 AS revoked_ms
         FROM identity.revoked_session WHERE revoked_at > to_timestamp($1::float8 / 1000)`,
});

/** Reads the sessions from the first group, which has the tables of sessions. */
export function revokedSessionsIn(reads: Pick<Reads, 'groupIds' | 'ofGroup'>): ReadRevoked {
  return async (afterMs) => {
    const [home = ''] = reads.groupIds;
    const answer = await reads.ofGroup(home, revokedSessions, [afterMs], { position: NO_POSITION, waitMs: 0 });
    if (answer.type !== 'answer') throw new Error(reasonOf(answer));
    return answer.rows.map((row) => ({ sessionId: row.session_id, revokedMs: row.revoked_ms }));
  };
}

/**
 * The revoked sessions, as known to a process that verifies tokens. While nothing can be read, the known ones stay
 * revoked.
 */
export class RevokedSessions {
  readonly #readRevoked: ReadRevoked;
  readonly #log: Log;
  /** Time of the revocation, ms since 1970, by session id. */
  readonly #sessions = new Map<string, number>();
  readonly #looks = new PeriodicTask(() => this.#read(), LOOK_EVERY_MS);
  #newestMs = Date.now() - ENDED_SESSIONS_MS;
  #isFailing = false;

  constructor(readRevoked: ReadRevoked, log: Log) {
    this.#readRevoked = readRevoked;
    this.#log = log;
  }

  has(sessionId: string): boolean {
    return this.#sessions.has(sessionId);
  }

  /** Reads revocations from time to time. Resolves after the first read, even if it fails. */
  async start(): Promise<void> {
    this.#looks.start();
    await this.#looks.run();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  async #read(): Promise<void> {
    let found: readonly RevokedSession[];
    try {
      found = await this.#readRevoked(this.#newestMs - OVERLAP_MS);
    } catch (error) {
      if (!this.#isFailing) {
        const reason = (error as Error).message;
        this.#log.warn({ reason }, 'revoked sessions could not be read; the known ones stay revoked');
      }
      this.#isFailing = true;
      return;
    }
    this.#isFailing = false;
    for (const { sessionId, revokedMs } of found) {
      this.#sessions.set(sessionId, revokedMs);
      this.#newestMs = Math.max(this.#newestMs, revokedMs);
    }
    this.#forgetOld();
  }

  /**
   * Forgets sessions of which no token is accepted any more. The map is in the order in which they were read, the
   * oldest first.
   */
  #forgetOld(): void {
    for (const [sessionId, revokedMs] of this.#sessions) {
      if (revokedMs > this.#newestMs - ENDED_SESSIONS_MS) return;
      this.#sessions.delete(sessionId);
    }
  }
}
