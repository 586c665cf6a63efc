import { createHash, randomBytes } from 'node:crypto';
import type { Account } from './account.js';
import type { PrimaryConnection } from './primary-connection.js';

/**
 * - `confirm-address`: a sign-up; the code proves that the person reads mail of this address.
 * - `address-in-use`: a sign-up with the address of an account. Only the owner of the address learns of the account.
 * - `reset-password`: the code allows its reader to set another password.
 */
export type MailPurpose = 'confirm-address' | 'address-in-use' | 'reset-password';

/** A mail that is due. A stranger may have chosen its address, but no part of its text. */
export interface DueMail {
  readonly mailId: string;
  readonly purpose: MailPurpose;
  readonly email: string;
  /** Failed tries before. */
  readonly tries: number;
}

/** The mail that a valid code confirms. */
export interface ConfirmedMail {
  readonly mailId: string;
  readonly purpose: MailPurpose;
  readonly email: string;
  /** Null for a sign-up. */
  readonly accountId: string | null;
}

/** Time for which a code can be used, by purpose, ms. */
const CONFIRM_MS = 24 * 3_600_000;
const RESET_MS = 3_600_000;
/** A claim of a mail ends after this time, ms. Another process then sends the mail of a process that has ended. */
const CLAIM_MS = 5 * 60_000;
const REMOVED_MAX = 1_000;

/** `<mail id>.<secret>`: 16 and 32 bytes in base64url. */
const CODE = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

/**
 * Mails of sign-up and password reset, and the codes in them. A code is made when its mail is sent and stored as a hash,
 * so the table contains no code. Every method throws an `IdentityUnavailableError`.
 */
export class MailStore {
  readonly #primary: PrimaryConnection;

  constructor(primary: PrimaryConnection) {
    this.#primary = primary;
  }

  /** Adds the mail of a sign-up. Known and unknown addresses take the same statement, so its time does not differ. */
  async addSignUp(mailId: string, email: string, loginHash: Buffer): Promise<void> {
    await this.#primary.ask(
      `WITH known AS (SELECT account_id FROM identity.account WHERE login_hash = $3)
       INSERT INTO identity.mail (mail_id, purpose, email, account_id, expires_at)
       SELECT $1, CASE WHEN known.account_id IS NULL THEN 'confirm-address' ELSE 'address-in-use' END, $2,
         known.account_id, now() + $4 * interval '1 ms'
       FROM (SELECT) AS one LEFT JOIN known ON true`,
      [mailId, email, loginHash, CONFIRM_MS],
    );
  }

  /** Adds the mail of a password reset, if a customer has this address. */
  async addReset(mailId: string, email: string, loginHash: Buffer): Promise<void> {
    await this.#primary.ask(
      `INSERT INTO identity.mail (mail_id, purpose, email, account_id, expires_at)
       SELECT $1, 'reset-password', $2, account_id, now() + $4 * interval '1 ms' FROM identity.account
       WHERE login_hash = $3 AND role = 'customer' AND disabled_at IS NULL`,
      [mailId, email, loginHash, RESET_MS],
    );
  }

  /** The mail of a code that can be used. Undefined: the code is unknown, used or expired. */
  async find(code: string, purpose: MailPurpose): Promise<ConfirmedMail | undefined> {
    const [mailId, hash] = parts(code);
    if (mailId === undefined) return undefined;
    interface Row {
      mail_id: string;
      purpose: MailPurpose;
      email: string;
      account_id: string | null;
    }
    const [row] = await this.#primary.ask<Row>(
      `SELECT mail_id, purpose, email, account_id FROM identity.mail
       WHERE mail_id = $1 AND $2 = ANY (code_hashes) AND purpose = $3 AND expires_at > now()`,
      [mailId, hash, purpose],
    );
    return row && { mailId: row.mail_id, purpose: row.purpose, email: row.email, accountId: row.account_id };
  }

  /**
   * Uses up the code of a sign-up for an account, in one transaction. False: the code was used, or the address has an
   * account.
   */
  async useForAccount(
    mailId: string,
    { accountId, customerId }: Pick<Account, 'accountId' | 'customerId'>,
    { loginHash, passwordHash }: { loginHash: Buffer; passwordHash: string },
  ): Promise<boolean> {
    const rows = await this.#primary.ask(
      `WITH used AS (DELETE FROM identity.mail WHERE mail_id = $1 RETURNING mail_id)
       INSERT INTO identity.account (account_id, login_hash, role, customer_id, scopes, password_hash)
       SELECT $2, $4, 'customer', $3, '{}', $5 FROM used ON CONFLICT DO NOTHING RETURNING account_id`,
      [mailId, accountId, customerId, loginHash, passwordHash],
    );
    return rows.length > 0;
  }

  /** Uses up a code. False: another request was faster. */
  async use(mailId: string): Promise<boolean> {
    return (await this.#primary.ask('DELETE FROM identity.mail WHERE mail_id = $1 RETURNING 1', [mailId])).length > 0;
  }

  /** Claims mails that are due, so that no other process sends them. */
  async claim(most: number): Promise<DueMail[]> {
    const rows = await this.#primary.ask<{ mail_id: string; purpose: MailPurpose; email: string; tries: number }>(
      `UPDATE identity.mail SET next_try_at = now() + $2 * interval '1 ms' WHERE mail_id IN (
         SELECT mail_id FROM identity.mail WHERE sent_at IS NULL AND next_try_at <= now() AND expires_at > now()
         ORDER BY next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING mail_id, purpose, email, tries`,
      [most, CLAIM_MS],
    );
    return rows.map(({ mail_id: mailId, ...rest }) => ({ mailId, ...rest }));
  }

  /** A new code for a claimed mail. Earlier codes stay valid, because a mail whose sending failed may have arrived. */
  async newCode(mailId: string): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    await this.#primary.ask(
      `UPDATE identity.mail SET code_hashes = (code_hashes || $2::bytea)[greatest(1, cardinality(code_hashes) - 3):]
       WHERE mail_id = $1`,
      [mailId, sha256(secret)],
    );
    return `${Buffer.from(mailId.replaceAll('-', ''), 'hex').toString('base64url')}.${secret}`;
  }

  /** Notes that a mail was sent. A mail without a code has no further use, so it is removed. */
  async noteSent(mailId: string, hasCode: boolean): Promise<void> {
    await this.#primary.ask(
      hasCode
        ? 'UPDATE identity.mail SET sent_at = now() WHERE mail_id = $1'
        : 'DELETE FROM identity.mail WHERE mail_id = $1',
      [mailId],
    );
  }

  async noteFailed(mailId: string, retryInMs: number): Promise<void> {
    await this.#primary.ask(
      `UPDATE identity.mail SET tries = tries + 1, next_try_at = now() + $2 * interval '1 ms' WHERE mail_id = $1`,
      [mailId, retryInMs],
    );
  }

  /** Removes mails whose codes have expired. */
  async removeExpired(): Promise<void> {
    await this.#primary.ask(
      `DELETE FROM identity.mail WHERE mail_id IN (
         SELECT mail_id FROM identity.mail WHERE expires_at < now() ORDER BY expires_at LIMIT $1)`,
      [REMOVED_MAX],
    );
  }
}

function parts(code: string): [mailId: string, hash: Buffer] | [undefined] {
  const [, id = '', secret = ''] = CODE.exec(code) ?? [];
  const bytes = Buffer.from(id, 'base64url');
  if (bytes.length !== 16) return [undefined];
  return [bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), sha256(secret)];
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
