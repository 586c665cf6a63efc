import type { Role, Scope } from '@eco/access';
import type { Account, Standing } from './account.js';
import { ATTEMPT_WINDOW_MS, type AttemptSubject } from './attempts.js';
import { ENDED_SESSIONS_MS, SESSIONS_MAX } from './lifetimes.js';
import type { PrimaryConnection } from './primary-connection.js';
import type { RefreshFamily } from './refresh-family.js';

/** Most rows that one statement removes, so that it does not take long. */
const REMOVED_MAX = 1_000;

/** An account with the fields that only the log-in needs. */
export interface StoredAccount extends Account {
  /** Null: no password is set. */
  readonly passwordHash: string | null;
  /** Its generated password was not replaced in time. */
  readonly hasExpiredPassword: boolean;
}

/** A password to store. `validMs`: time for which it is accepted; null: without end. */
export interface NewPassword {
  readonly hash: string;
  readonly validMs: number | null;
}

/** A session whose refresh token was presented. */
export interface StoredSession {
  readonly sessionId: string;
  readonly account: Account;
  readonly family: RefreshFamily;
  /** Revoked, idle for too long, or over. */
  readonly isEnded: boolean;
  readonly endsAtMs: number;
  /** The database's time, ms since 1970. */
  readonly nowMs: number;
}

/** A session as its owner sees it. Times are ms since 1970. */
export interface SessionSummary {
  readonly sessionId: string;
  readonly createdAtMs: number;
  readonly usedAtMs: number | null;
  readonly endsAtMs: number;
}

/**
 * Whether an attempt may be made. `countedAt` identifies the attempt, so that it can be taken out again when it
 * succeeds.
 */
export type AttemptCount =
  | { readonly type: 'counted'; readonly countedAt: string }
  | { readonly type: 'refused'; readonly retryAfterMs: number };

interface AccountRow {
  account_id: string;
  login: string | null;
  role: Role;
  branch_id: string | null;
  customer_id: string | null;
  scopes: Scope[];
  password_hash: string | null;
  has_expired_password: boolean;
  is_disabled: boolean;
  created_ms: number;
}

const epochMs = (expression: string) => `(extract(epoch FROM ${expression}) * 1000)::float8`;
const ACCOUNT = `a.account_id, a.login, a.role, a.branch_id, a.customer_id, a.scopes, a.password_hash,
  a.disabled_at IS NOT NULL AS is_disabled, coalesce(a.password_expires_at <= now(), false) AS has_expired_password, ${epochMs('a.created_at')} AS created_ms`;
/** A session that still gets access tokens. */
const LIVE = `s.revoked_at IS NULL AND s.idle_until > now() AND s.ends_at > now()`;

/**
 * The tables of accounts, sessions and attempts, on the primary of the first group. Each operation is one statement, and
 * so one transaction. All times are the database's: several processes serve log-ins.
 *
 * Every method throws an `IdentityUnavailableError` if the primary does not answer within 3 s.
 */
export class IdentityStore {
  readonly #primary: PrimaryConnection;

  constructor(primary: PrimaryConnection) {
    this.#primary = primary;
  }

  async addAccount(
    accountId: string,
    { login, loginHash, password }: { login: string | null; loginHash: Buffer; password: NewPassword },
    { role, branchId, customerId, scopes }: Standing,
  ): Promise<Account | undefined> {
    const [row] = await this.#primary.ask<AccountRow>(
      `INSERT INTO identity.account AS a
         (account_id, login_hash, login, role, branch_id, customer_id, scopes, password_hash, password_expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 ms') ON CONFLICT DO NOTHING RETURNING ${ACCOUNT}`,
      [accountId, loginHash, login, role, branchId, customerId, scopes, password.hash, password.validMs],
    );
    return row && accountOf(row);
  }

  async findByLogin(loginHash: Buffer): Promise<StoredAccount | undefined> {
    const [row] = await this.#primary.ask<AccountRow>(
      `SELECT ${ACCOUNT} FROM identity.account a WHERE login_hash = $1`,
      [loginHash],
    );
    return row && accountOf(row);
  }

  async find(accountId: string): Promise<StoredAccount | undefined> {
    const [row] = await this.#primary.ask<AccountRow>(
      `SELECT ${ACCOUNT} FROM identity.account a WHERE account_id = $1`,
      [accountId],
    );
    return row && accountOf(row);
  }

  /** Staff and programs by log-in name, without customers. `after`: the last name of the page before. */
  async staff(after: string, limit: number): Promise<Account[]> {
    const rows = await this.#primary.ask<AccountRow>(
      `SELECT ${ACCOUNT} FROM identity.account a WHERE a.login > $1 ORDER BY a.login LIMIT $2`,
      [after, limit],
    );
    return rows.map(accountOf);
  }

  /**
   * Changes an account and ends its sessions in the same transaction, so that no token keeps the former rights. Absent
   * fields stay as they are. Undefined: there is no such account.
   */
  async changeAccount(
    accountId: string,
    change: Partial<Standing> & { readonly isDisabled?: boolean; readonly password?: NewPassword },
    keepSessionId: string | null = null,
  ): Promise<Account | undefined> {
    const { role, branchId, scopes, isDisabled, password } = change;
    const [row] = await this.#primary.ask<AccountRow>(
      `WITH a AS (
         UPDATE identity.account SET
           role = coalesce($2, role),
           branch_id = CASE WHEN $3 THEN $4 ELSE branch_id END,
           scopes = coalesce($5, scopes),
           disabled_at = CASE WHEN $6::boolean IS NULL THEN disabled_at WHEN $6 THEN coalesce(disabled_at, now()) END,
           password_hash = coalesce($7, password_hash),
           password_expires_at = CASE WHEN $7 IS NULL THEN password_expires_at ELSE now() + $9 * interval '1 ms' END
         WHERE account_id = $1 RETURNING *
       )
       SELECT ${ACCOUNT}, identity.end_sessions(a.account_id, $8) AS ended FROM a`,
      [
        accountId,
        role ?? null,
        branchId !== undefined,
        branchId ?? null,
        scopes ?? null,
        isDisabled ?? null,
        password?.hash ?? null,
        keepSessionId,
        password?.validMs ?? null,
      ],
    );
    return row && accountOf(row);
  }

  /** Sets the PIN of an account. `idKeys`: the account's id keys, one after the other. False: no enabled account of a branch has this id. */
  async setPin(accountId: string, pinHash: string, idKeys: Buffer): Promise<boolean> {
    const rows = await this.#primary.ask(
      `UPDATE identity.account SET pin_hash = $2, pin_id_key = $3
       WHERE account_id = $1 AND branch_id IS NOT NULL AND disabled_at IS NULL RETURNING account_id`,
      [accountId, pinHash, idKeys],
    );
    return rows.length > 0;
  }

  /**
   * Gives the PINs the present id keys of their accounts. `idKeysOf`: an account's id keys, one after the other. Returns
   * the number of PINs that had others.
   */
  async renewPinIdKeys(idKeysOf: (accountId: string) => Buffer): Promise<number> {
    const rows = await this.#primary.ask<{ account_id: string; pin_id_key: Buffer }>(
      'SELECT account_id, pin_id_key FROM identity.account WHERE pin_hash IS NOT NULL',
      [],
    );
    const outdated = rows
      .map(({ account_id: accountId, pin_id_key: idKeys }) => ({ accountId, idKeys, present: idKeysOf(accountId) }))
      .filter(({ idKeys, present }) => !idKeys.equals(present));
    if (outdated.length === 0) return 0;
    await this.#primary.ask(
      `UPDATE identity.account a SET pin_id_key = n.id_keys
       FROM unnest($1::uuid[], $2::bytea[]) AS n(account_id, id_keys)
       WHERE a.account_id = n.account_id AND a.pin_hash IS NOT NULL`,
      [outdated.map(({ accountId }) => accountId), outdated.map(({ present }) => present)],
    );
    return outdated.length;
  }

  /** Replaces the hash of an unchanged password, and ends no session. */
  async rehash(accountId: string, from: string, to: string): Promise<void> {
    await this.#primary.ask(
      `UPDATE identity.account SET password_hash = $3 WHERE account_id = $1 AND password_hash = $2`,
      [accountId, from, to],
    );
  }

  /**
   * Begins a session. Undefined: the account was disabled or got another password after it was read. `family`: absent
   * for a program, which has no refresh token. Ends the oldest session of a person who has the most that are allowed.
   * Returns the account as it is now.
   */
  async beginSession(
    sessionId: string,
    { accountId, passwordHash }: StoredAccount,
    { idleMs, totalMs }: { idleMs: number; totalMs: number },
    family?: RefreshFamily,
  ): Promise<Account | undefined> {
    // The row lock delays a concurrent change of the account. The change then ends this session, too.
    const [row] = await this.#primary.ask<AccountRow>(
      `WITH a AS (
         SELECT * FROM identity.account WHERE account_id = $2 AND password_hash = $3 AND disabled_at IS NULL FOR SHARE
       ), surplus AS (
         UPDATE identity.session SET revoked_at = now() WHERE $4::text IS NOT NULL AND session_id IN (
           SELECT s.session_id FROM a JOIN identity.session s USING (account_id) WHERE s.family_hash IS NOT NULL AND ${LIVE}
           ORDER BY s.created_at DESC, s.session_id OFFSET ${SESSIONS_MAX - 1})
       ), begun AS (
         INSERT INTO identity.session (session_id, account_id, family_hash, token_hash, idle_until, ends_at)
         SELECT $1, a.account_id, $4, $5, now() + $6 * interval '1 ms', now() + $7 * interval '1 ms' FROM a
       )
       SELECT ${ACCOUNT} FROM a`,
      [sessionId, accountId, passwordHash, family?.familyHash ?? null, family?.tokenHash ?? null, idleMs, totalMs],
    );
    return row && accountOf(row);
  }

  async findSession(familyHash: string): Promise<StoredSession | undefined> {
    interface Row extends AccountRow {
      session_id: string;
      token_hash: string;
      used_hash: string | null;
      successor_key: string | null;
      used_ms: number | null;
      is_ended: boolean;
      ends_ms: number;
      now_ms: number;
    }
    const [row] = await this.#primary.ask<Row>(
      `SELECT ${ACCOUNT}, s.session_id, s.token_hash, s.used_hash, s.successor_key, ${epochMs('s.used_at')} AS used_ms,
         NOT (${LIVE} AND a.disabled_at IS NULL) AS is_ended,
         ${epochMs('s.ends_at')} AS ends_ms, ${epochMs('now()')} AS now_ms
       FROM identity.session s JOIN identity.account a USING (account_id) WHERE s.family_hash = $1`,
      [familyHash],
    );
    if (row === undefined) return undefined;
    return {
      sessionId: row.session_id,
      account: accountOf(row),
      family: {
        familyHash,
        tokenHash: row.token_hash,
        usedHash: row.used_hash,
        successorKey: row.successor_key,
        usedAtMs: row.used_ms,
      },
      isEnded: row.is_ended,
      endsAtMs: row.ends_ms,
      nowMs: row.now_ms,
    };
  }

  /** Stores the next token. False: another request has used the token meanwhile, or the session has ended. */
  async rotate(sessionId: string, family: RefreshFamily, idleMs: number): Promise<boolean> {
    const rows = await this.#primary.ask(
      `UPDATE identity.session s SET token_hash = $3, used_hash = $2, successor_key = $4, used_at = now(),
         idle_until = now() + $5 * interval '1 ms'
       WHERE s.session_id = $1 AND s.token_hash = $2 AND ${LIVE} RETURNING s.session_id`,
      [sessionId, family.usedHash, family.tokenHash, family.successorKey, idleMs],
    );
    return rows.length > 0;
  }

  /** Ends one session of the account. False: the account has no such session. */
  async endSession(accountId: string, sessionId: string): Promise<boolean> {
    const rows = await this.#primary.ask(
      `UPDATE identity.session s SET revoked_at = now() WHERE account_id = $1 AND session_id = $2 AND ${LIVE}
       RETURNING s.session_id`,
      [accountId, sessionId],
    );
    return rows.length > 0;
  }

  /** Ends all sessions of the account. */
  async endSessions(accountId: string): Promise<void> {
    await this.#primary.ask(`SELECT identity.end_sessions($1, NULL)`, [accountId]);
  }

  /** The sessions that can be refreshed, the newest first. */
  async sessions(accountId: string): Promise<SessionSummary[]> {
    const rows = await this.#primary.ask<{
      session_id: string;
      created_ms: number;
      used_ms: number | null;
      ends_ms: number;
    }>(
      `SELECT s.session_id, ${epochMs('s.created_at')} AS created_ms, ${epochMs('s.used_at')} AS used_ms,
         ${epochMs('least(s.ends_at, s.idle_until)')} AS ends_ms
       FROM identity.session s WHERE s.account_id = $1 AND s.family_hash IS NOT NULL AND ${LIVE}
       ORDER BY s.created_at DESC, s.session_id LIMIT 100`,
      [accountId],
    );
    return rows.map((row) => ({
      sessionId: row.session_id,
      createdAtMs: row.created_ms,
      usedAtMs: row.used_ms,
      endsAtMs: row.ends_ms,
    }));
  }

  /**
   * Counts an attempt before it is made, so that concurrent attempts can't exceed the limit. A refused attempt is not
   * counted, so a client that keeps trying is not locked out for longer.
   */
  async countAttempt({ hash, most }: AttemptSubject): Promise<AttemptCount> {
    const [row] = await this.#primary.ask<{ counted_at: string | null; retry_ms: number }>(
      `WITH try AS MATERIALIZED (SELECT clock_timestamp() AS at), counted AS (
         INSERT INTO identity.attempt AS t (subject, failed_at, last_at) SELECT $1, ARRAY[try.at], try.at FROM try
         ON CONFLICT (subject) DO UPDATE SET last_at = excluded.last_at, failed_at = (
           SELECT coalesce(array_agg(f ORDER BY f), '{}')
             || CASE WHEN count(*) < $2 THEN excluded.failed_at ELSE '{}' END
           FROM unnest(t.failed_at) AS f WHERE f > excluded.last_at - $3 * interval '1 ms')
         RETURNING failed_at
       )
       SELECT CASE WHEN try.at = ANY (failed_at) THEN try.at::text END AS counted_at,
         ${epochMs(`failed_at[1] + $3 * interval '1 ms' - try.at`)} AS retry_ms
       FROM counted, try`,
      [hash, most, ATTEMPT_WINDOW_MS],
    );
    if (row?.counted_at) return { type: 'counted', countedAt: row.counted_at };
    return { type: 'refused', retryAfterMs: Math.max(1, Math.ceil(row?.retry_ms ?? ATTEMPT_WINDOW_MS)) };
  }

  /** Takes out an attempt that succeeded. */
  async forgetAttempt({ hash }: AttemptSubject, countedAt: string): Promise<void> {
    await this.#primary.ask(
      `UPDATE identity.attempt SET failed_at = array_remove(failed_at, $2::timestamptz) WHERE subject = $1`,
      [hash, countedAt],
    );
  }

  /** Removes sessions and attempts that no decision needs any more. Returns the number of rows. */
  async removeOld(): Promise<number> {
    const [row] = await this.#primary.ask<{ removed: number }>(
      `WITH sessions AS (
         DELETE FROM identity.session WHERE session_id IN (
           SELECT session_id FROM identity.session WHERE idle_until < now() - $1 * interval '1 ms'
           ORDER BY idle_until LIMIT ${REMOVED_MAX})
         RETURNING 1
       ), attempts AS (
         DELETE FROM identity.attempt WHERE subject IN (
           SELECT subject FROM identity.attempt WHERE last_at < now() - $2 * interval '1 ms'
           ORDER BY last_at LIMIT ${REMOVED_MAX})
         RETURNING 1
       )
       SELECT ((SELECT count(*) FROM sessions) + (SELECT count(*) FROM attempts))::int AS removed`,
      [ENDED_SESSIONS_MS, ATTEMPT_WINDOW_MS],
    );
    return row?.removed ?? 0;
  }
}

function accountOf(row: AccountRow): StoredAccount {
  return {
    accountId: row.account_id,
    login: row.login,
    role: row.role,
    branchId: row.branch_id,
    customerId: row.customer_id,
    scopes: row.scopes,
    passwordHash: row.password_hash,
    hasExpiredPassword: row.has_expired_password,
    isDisabled: row.is_disabled,
    createdAtMs: row.created_ms,
  };
}
